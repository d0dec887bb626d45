"""Bonuses: their rules by date, what was given to whom, and what is left of caps and budgets."""

from alembic import op

from migrations.rights import grant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table bonus_rule (
  rule_id bigint primary key, programme_id bigint not null,
  points bigint not null check (points > 0), budget_points bigint check (budget_points >= 0),
  at timestamptz not null, from_day date not null, until_day date check (until_day >= from_day),
  most_per_member int check (most_per_member > 0), most_per_member_day int check (most_per_member_day > 0),
  most_per_day int check (most_per_day > 0), least_days int check (least_days > 0),
  month_day int check (month_day between 1 and 31), lot_class smallint not null,
  code text not null, occasion text not null, tier text, names jsonb not null, approval text not null,
  unique (programme_id, code, from_day));

create table bonus_budget (
  rule_id bigint primary key, left_points bigint not null check (left_points >= 0));

create table bonus_day (
  rule_id bigint not null, given bigint not null check (given >= 0), on_day date not null,
  primary key (rule_id, on_day));

create table bonus (
  member_id bigint not null, rule_id bigint not null, policy_id bigint not null, seq bigint not null,
  points bigint not null check (points > 0), at timestamptz not null, on_day date not null,
  nth int not null check (nth > 0), nth_of_day int not null check (nth_of_day > 0),
  code text not null, ref text not null,
  primary key (member_id, code, ref), unique (member_id, code, nth), unique (member_id, code, on_day, nth_of_day));
create index on bonus (rule_id);

create index member_attribute_birthday on member_attribute (value, member_id) where name = 'birthday';
""")
    grant("select, insert", "bonus_rule", "bonus")
    grant("select, insert, update", "bonus_budget", "bonus_day")


def downgrade() -> None:
    op.execute("""
drop index member_attribute_birthday;
drop table bonus, bonus_day, bonus_budget, bonus_rule;
""")
