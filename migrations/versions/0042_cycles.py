"""Days on which banks are open; packs of points that merchants buy; points that members earn at a merchant."""

from alembic import op

from migrations.rights import grant

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table business_day (day date primary key, is_open boolean not null);

alter table terms
  add column points_per_100_yuan bigint not null default 0 check (points_per_100_yuan between 0 and 1000000),
  add constraint terms_issuing check (points_per_100_yuan = 0 or issuing_fen > 0 or issuing_rule = 'stop');

create table points_pack (
  merchant_id bigint not null, pack_id bigint not null, points bigint not null check (points > 0),
  price_fen bigint not null check (price_fen >= 0), bought_at timestamptz not null, from_day date not null, until_day date,
  approval text not null, reference text not null,
  primary key (merchant_id, pack_id), unique (merchant_id, approval), check (until_day >= from_day));

create table merchant_earning (
  member_id bigint not null, earning_id bigint not null, seq bigint not null, merchant_id bigint not null,
  outlet_id bigint not null, terminal_id bigint not null, clerk_id bigint not null, shift_id bigint, terms_id bigint not null,
  amount_fen bigint not null check (amount_fen > 0), points bigint not null check (points > 0),
  postpaid_points bigint not null check (postpaid_points between 0 and points),
  price_fen bigint not null check (price_fen >= 0 and (postpaid_points > 0 or price_fen = 0)),
  recorded_at timestamptz not null, currency text not null,
  primary key (member_id, earning_id), unique (member_id, seq));
create index on merchant_earning (merchant_id, recorded_at);
create index on merchant_earning (terminal_id, recorded_at);

create table earning_reversal (
  member_id bigint not null, reversal_id bigint not null, earning_id bigint not null, seq bigint not null,
  merchant_id bigint not null, outlet_id bigint not null, terminal_id bigint not null, clerk_id bigint not null, shift_id bigint,
  recorded_at timestamptz not null, reason text not null,
  primary key (member_id, reversal_id), unique (member_id, earning_id));
create index on earning_reversal (merchant_id, recorded_at);

create table pack_use (
  member_id bigint not null, source_id bigint not null, pack_id bigint not null, merchant_id bigint not null,
  points bigint not null check (points <> 0),
  primary key (member_id, source_id, pack_id));
create index on pack_use (pack_id, source_id) include (points);
""")
    grant("select, insert", "business_day", "points_pack", "merchant_earning", "earning_reversal", "pack_use")
    grant("update (is_open)", "business_day")


def downgrade() -> None:
    op.execute("""
drop table pack_use;
drop table earning_reversal;
drop table merchant_earning;
drop table points_pack;
alter table terms drop constraint terms_issuing, drop column points_per_100_yuan;
drop table business_day;
""")
