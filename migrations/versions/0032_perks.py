"""Perks at their providers, what came of trial cards, vouchers that are given to another member."""

from alembic import op

from migrations.rights import grant

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table perk_use (
  member_id bigint not null, redemption_id bigint not null, at timestamptz not null, on_day date not null,
  guests int not null check (guests >= 0), outcome text not null check (outcome in ('used', 'missed')),
  actor text not null, primary key (member_id, redemption_id));

create table trial_card_result (
  member_id bigint not null, redemption_id bigint not null, staff_id bigint not null, at timestamptz not null,
  outcome text not null check (outcome in ('converted', 'interested', 'declined', 'no_answer')), text text not null,
  primary key (member_id, redemption_id));

create table voucher_gift (
  member_id bigint not null, redemption_id bigint not null, receiver_id bigint not null, voucher_id bigint,
  at timestamptz not null, send_at timestamptz not null,
  giver_masked text not null, receiver_masked text not null, message text,
  primary key (member_id, redemption_id), check (receiver_id <> member_id));
create index on voucher_gift (receiver_id);
create index on voucher_gift (member_id, at);

alter table redemption add constraint redemption_from_allowance
  check (price_points > 0 or kind <> 'perk' or details ? 'draws');
""")
    grant("select, insert", "perk_use", "trial_card_result", "voucher_gift")
    grant("update (voucher_id)", "voucher_gift")


def downgrade() -> None:
    op.execute("""
alter table redemption drop constraint redemption_from_allowance;
drop table voucher_gift, trial_card_result, perk_use;
""")
