"""What a tier grants in a period: rules from a day on, counters, and each use with the undoing of it."""

from alembic import op

from migrations.rights import grant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table entitlement_rule (
  rule_id bigint primary key, programme_id bigint not null, entered_at timestamptz not null, from_day date not null,
  guests int not null check (guests >= 0), carry_over int not null check (carry_over >= 0),
  guests_take_uses boolean not null,
  perk text not null check (perk ~ '^[a-z0-9][a-z0-9-]{0,31}$'),
  period text not null check (period in ('month', 'quarter', 'year')),
  approval text, names jsonb not null, uses jsonb not null, blackout_days date[] not null);
create unique index on entitlement_rule (programme_id, perk, from_day);

create table entitlement_count (
  member_id bigint not null, used int not null check (used >= 0), carried int not null check (carried >= 0),
  period_from date not null, period_until date not null, perk text not null,
  primary key (member_id, perk, period_from), check (period_from < period_until));

create table entitlement_use (
  member_id bigint not null, use_id bigint not null, rule_id bigint not null, at timestamptz not null,
  undoes bigint, uses int not null check (uses > 0), guests int not null check (guests >= 0),
  on_day date not null, period_from date not null,
  perk text not null, actor text not null, ref text not null,
  primary key (member_id, use_id));
create unique index entitlement_undone_once on entitlement_use (member_id, undoes) where undoes is not null;
""")
    grant("select, insert", "entitlement_rule", "entitlement_use")
    grant("select, insert, update", "entitlement_count")


def downgrade() -> None:
    op.execute("drop table entitlement_use, entitlement_count, entitlement_rule")
