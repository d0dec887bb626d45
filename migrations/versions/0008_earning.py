"""Factors on what bill lines earn, what members are (tier, birthday), payments of bill lines, and lines that wait."""

from alembic import op

from migrations.rights import grant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table earn_factor (
  factor_id bigint primary key, programme_id bigint not null,
  percent bigint not null check (percent between 1 and 10000), adds boolean not null,
  from_day date not null, least_years int check (least_years between 1 and 100),
  kind text not null check (kind in ('tier', 'tenure', 'birthday')), line_type text, tier text,
  check ((kind = 'tier') = (tier is not null) and (kind = 'tenure') = (least_years is not null)),
  unique nulls not distinct (programme_id, kind, line_type, tier, least_years, from_day));

create table member_attribute (
  member_id bigint not null, from_day date not null, name text not null check (name in ('tier', 'birthday')),
  value text not null,
  primary key (member_id, name, from_day));

alter table bill_line add column paid_fen bigint check (paid_fen between 0 and amount_fen - waived_fen);
alter table bill_line add column factor_ids bigint[] not null default '{}';
create index bill_line_unpaid on bill_line (member_id) where paid_fen is not null;

create table bill_payment (
  member_id bigint not null, paid_fen bigint not null check (paid_fen > 0),
  points bigint not null check (points >= 0), seq bigint, at timestamptz not null,
  paid_day date not null, line_no int not null, nth int not null check (nth > 0),
  bill_id text not null, payment_id text not null,
  check ((seq is null) = (points = 0)),
  primary key (member_id, bill_id, line_no, payment_id), unique (member_id, bill_id, line_no, nth));

create table waiting_line (
  member_id bigint not null, amount_fen bigint not null, waived_fen bigint not null, paid_fen bigint,
  since timestamptz not null, bill_day date not null, line_no int not null, bill_id text not null,
  line_type text not null,
  primary key (member_id, bill_id, line_no));
""")
    grant("select, insert", "earn_factor", "member_attribute", "bill_payment")
    grant("select, insert, update, delete", "waiting_line")


def downgrade() -> None:
    op.execute("""
drop table waiting_line, bill_payment, member_attribute, earn_factor;
drop index bill_line_unpaid;
alter table bill_line drop column paid_fen, drop column factor_ids;
""")
