"""What a member disputes, what keeps a voucher frozen, what a message is about; vouchers by pepper, for its rotation."""

from alembic import op

from migrations.rights import grant

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table dispute (
  member_id bigint not null, dispute_id bigint not null, acceptance_id bigint not null, voucher_id bigint not null,
  merchant_id bigint not null, outlet_id bigint not null, amount_fen bigint not null check (amount_fen >= 0),
  opened_at timestamptz not null, decide_by timestamptz not null,
  handler_id bigint, taken_at timestamptz, decided_at timestamptz, closed_at timestamptz,
  state text not null check (state in ('open', 'decided', 'closed')),
  verdict text check (verdict in ('member', 'merchant')), reason text, points_back text, closing text,
  opened_by text not null,
  primary key (member_id, dispute_id), unique (member_id, acceptance_id),
  check ((handler_id is null) = (taken_at is null)),
  check ((state = 'open') = (verdict is null)),
  check ((verdict is null) = (decided_at is null) and (verdict is null) = (reason is null) and (verdict is null or handler_id is not null)),
  check ((state = 'closed') = (closed_at is not null) and (closed_at is null) = (closing is null)));
create index on dispute (dispute_id);
create index on dispute (dispute_id) where state <> 'closed';
create index on dispute (member_id, voucher_id);

create table voucher_freeze (
  member_id bigint not null, freeze_id bigint not null, voucher_id bigint not null, dispute_id bigint,
  frozen_at timestamptz not null, thawed_at timestamptz,
  frozen_by text not null, reason text not null, thawed_by text, thaw_reason text,
  primary key (member_id, freeze_id), unique (member_id, dispute_id),
  check ((thawed_at is null) = (thawed_by is null) and (thawed_at is null) = (thaw_reason is null)));
create index on voucher_freeze (member_id, voucher_id);
create unique index voucher_freeze_by_hand on voucher_freeze (member_id, voucher_id) where thawed_at is null and dispute_id is null;

alter table voucher add column stale_told_at timestamptz,
  drop constraint voucher_check1,
  add constraint voucher_used check (case state when 'accepted' then units_left = 0 when 'cancelled' then true else units_left > 0 end);
create index voucher_pepper on voucher (pepper_id, member_id, voucher_id);

alter table notice add column subject text;
""")
    grant("select, insert", "dispute", "voucher_freeze")
    grant(
        "update (handler_id, taken_at, decided_at, closed_at, state, verdict, reason, points_back, closing)",
        "dispute",
    )
    grant("update (thawed_at, thawed_by, thaw_reason)", "voucher_freeze")


def downgrade() -> None:
    op.execute("""
alter table notice drop column subject;
drop index voucher_pepper;
alter table voucher drop constraint voucher_used, drop column stale_told_at,
  add constraint voucher_check1 check ((state = 'accepted') = (units_left = 0)) not valid;
drop table voucher_freeze, dispute;
""")
