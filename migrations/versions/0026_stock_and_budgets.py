"""Stock with a ledger of what came, went and was set aside; budgets of campaigns and of persons with a hard cap."""

from alembic import op

from migrations.rights import grant

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
alter table stock drop constraint stock_check,
  add column set_aside bigint not null default 0 check (set_aside >= 0),
  add column alert_below bigint check (alert_below > 0),
  add column low_since timestamptz,
  add column goods text check (goods in ('gift', 'electronic', 'consumable')),
  add constraint stock_never_below_zero check (left_over >= 0 and left_over <= total - set_aside),
  add constraint stock_low check ((low_since is not null) = coalesce(left_over < alert_below, false));

create table stock_move (
  offer_id bigint not null, move_id bigint not null, total_units bigint not null, aside_units bigint not null,
  at timestamptz not null,
  what text not null check (what in ('received', 'corrected', 'written_off', 'used', 'allocated', 'returned')),
  area text, actor text not null, reason text not null, approval text,
  primary key (offer_id, move_id),
  check (total_units <> 0 or aside_units <> 0), check (aside_units = 0 or area is not null),
  check ((what in ('corrected', 'written_off')) = (approval is not null)));

insert into stock_move (offer_id, move_id, total_units, aside_units, at, what, actor, reason)
  select offer_id, offer_id, total, 0, now(), 'received', 'migration', 'what was there before moves were kept'
  from stock where total <> 0;

create table budget (
  budget_id bigint primary key, programme_id bigint not null, owner_id bigint,
  entered_at timestamptz not null, from_at timestamptz not null, until_at timestamptz check (until_at > from_at),
  code text not null check (code ~ '^[a-z0-9][a-z0-9-]{0,31}$'),
  period text not null check (period in ('whole', 'month')),
  area text, names jsonb not null, approval text not null,
  unique (programme_id, code));

create table budget_amount (
  budget_id bigint not null, amount_id bigint not null, cap_fen bigint not null check (cap_fen >= 0),
  from_at timestamptz not null, approval text not null,
  primary key (budget_id, amount_id));

create table budget_period (
  budget_id bigint not null, period_from date not null, spent_fen bigint not null check (spent_fen >= 0),
  primary key (budget_id, period_from));

create table budget_use (
  member_id bigint not null, redemption_id bigint not null, back boolean not null,
  budget_id bigint not null, fen bigint not null check (fen > 0), at timestamptz not null, person_id bigint,
  period_from date not null,
  primary key (member_id, redemption_id, back));
""")
    grant("select, insert", "stock_move", "budget", "budget_amount", "budget_use")
    grant("select, insert, update", "budget_period")


def downgrade() -> None:
    op.execute("""
drop table budget_use, budget_period, budget_amount, budget, stock_move;
alter table stock drop constraint stock_low, drop constraint stock_never_below_zero,
  drop column goods, drop column low_since, drop column alert_below, drop column set_aside,
  add constraint stock_check check (left_over between 0 and total);
""")
