"""Offers by version, and redemptions as one course with a timeline: what was offered, what it cost, who did which step."""

from alembic import op

from migrations.rights import APP_ROLE, grant, revoke

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

KINDS = (
    "'bill_credit', 'voucher', 'trial_card', 'perk', 'event', 'goods', 'service', 'gift', 'bundle', 'history'"
)
STATES = "'requested', 'pending', 'fulfilling', 'fulfilled', 'unknown', 'failed', 'cancelled', 'reversed'"


def upgrade() -> None:
    op.execute(f"""
create table offer_state (
  offer_id bigint primary key, programme_id bigint not null, changed_at timestamptz not null,
  state text not null check (state in ('live', 'paused', 'ended')),
  kind text not null, code text not null, reason text, unique (programme_id, code));
insert into offer_state select offer_id, programme_id, from_at, state, kind, code, null from offer;

alter table offer add column version_id bigint;
update offer set version_id = offer_id;
alter table offer drop constraint offer_pkey, add primary key (version_id);
alter table offer drop constraint offer_programme_id_code_key;
drop index offer_programme_id_state_kind_idx;
alter table offer drop column state;
alter table offer drop constraint offer_kind_check, drop constraint offer_check, drop constraint offer_most_units_check;
alter table offer
  add column cost_fen bigint, add column budget_id bigint, add column proposal_id bigint,
  add column approval_class text not null default 'basic' check (approval_class in ('basic', 'value_added', 'extension')),
  add column cash_choices bigint[] not null default '{{}}', add column pictures text[] not null default '{{}}',
  add column form jsonb not null default '{{}}', add column eligibility jsonb not null default '{{}}',
  add column limits jsonb not null default '[]', add column terms jsonb not null default '{{}}';
update offer set cost_fen = value_fen;
alter table offer alter column cost_fen set not null, add check (cost_fen >= 0),
  add unique (offer_id, from_at), add check (until_at > from_at),
  add check (most_units between 1 and 100000), add check (kind in ({KINDS})),
  add check (kind not in ('voucher', 'trial_card', 'gift') or (merchant_id is not null and voucher_days is not null));
create index on offer (programme_id, from_at);

alter table quote add column version_id bigint, add column cash_fen bigint not null default 0 check (cash_fen >= 0),
  add column cost_fen bigint not null default 0, add column details jsonb not null default '{{}}';
update quote set version_id = offer_id;
alter table quote alter column version_id set not null, alter column rate_id drop not null;

alter table redemption drop constraint redemption_kind_check, drop constraint redemption_state_check,
  drop constraint redemption_price_points_check;
alter table redemption add column version_id bigint, add column cash_fen bigint not null default 0 check (cash_fen >= 0),
  add column cost_fen bigint not null default 0, add column budget_id bigint,
  add column held boolean not null default false, add column steps smallint not null default 0,
  add column details jsonb not null default '{{}}';
update redemption set version_id = offer_id, held = kind = 'bill_credit',
  steps = case when kind = 'history' then 0 when state = 'pending' or not kind = 'bill_credit' and state = 'fulfilled' then 2 else 3 end;
alter table redemption alter column version_id set not null, alter column rate_id drop not null,
  add check (kind in ({KINDS})), add check (state in ({STATES})),
  add check (price_points > 0 or kind in ('trial_card', 'perk') and price_points = 0),
  add check ((posting_seq is null) or price_points > 0);

create table redemption_step (
  member_id bigint not null, redemption_id bigint not null, at timestamptz not null, no smallint not null,
  state text not null check (state in ({STATES})), actor text not null, channel text not null, reason text,
  primary key (member_id, redemption_id, no));
insert into redemption_step
  select member_id, redemption_id, at, 1, 'requested', 'member:' || member_id, 'member_web', null
  from redemption where kind <> 'history';
insert into redemption_step
  select member_id, redemption_id, at, 2, case when held then 'pending' else 'fulfilled' end,
    'member:' || member_id, 'member_web', null from redemption where kind <> 'history';
insert into redemption_step
  select member_id, redemption_id, changed_at, 3, state, 'job', 'job', reason from redemption where steps = 3;

alter table voucher add column version_id bigint;
update voucher set version_id = offer_id;
alter table voucher alter column version_id set not null;
update outbox set task = 'order' where task = 'bill_credit';
""")
    revoke("update", "offer")
    grant("select, insert, update", "offer_state")
    grant("select, insert", "redemption_step")


def downgrade() -> None:
    """Back to one row for each offer: its latest version; timelines and what only versions know are lost."""
    op.execute("""
drop table redemption_step;
alter table voucher drop column version_id;
alter table quote drop column version_id, drop column cash_fen, drop column cost_fen, drop column details;
alter table redemption drop column version_id, drop column cash_fen, drop column cost_fen, drop column budget_id,
  drop column held, drop column steps, drop column details;
delete from offer o using offer later where later.offer_id = o.offer_id and later.from_at > o.from_at;
alter table offer add column state text not null default 'live';
update offer o set state = s.state from offer_state s where s.offer_id = o.offer_id;
drop table offer_state;
alter table offer drop column version_id, drop column cost_fen, drop column budget_id, drop column proposal_id,
  drop column approval_class, drop column cash_choices, drop column pictures, drop column form,
  drop column eligibility, drop column limits, drop column terms;
alter table offer add primary key (offer_id), add unique (programme_id, code);
""")
    op.execute(f"grant update on offer to {APP_ROLE}")
