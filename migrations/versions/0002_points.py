"""Programmes, members, wallets, postings, holds, rules of earning and expiry, bill lines."""

from alembic import op

from migrations.rights import grant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table programme (
  programme_id bigint primary key, closed_at timestamptz, minimum_tenure_days int not null default 0,
  code text not null unique, names jsonb not null, zone text not null, currency text not null);

create table member (
  member_id bigint primary key, programme_id bigint not null,
  joined_on date not null, left_on date, check (left_on >= joined_on),
  involuntary boolean not null default false, customer_id text not null);
create unique index member_customer on member (programme_id, customer_id) where left_on is null;
create index on member (programme_id, customer_id);

create table phone (
  member_id bigint not null, since timestamptz not null, until timestamptz,
  digest bytea not null, sealed bytea not null,
  primary key (member_id, since));
create index on phone (digest);

create table wallet (
  member_id bigint primary key, state smallint not null,
  lot_key int[] not null default '{}', lot_in bigint[] not null default '{}',
  seq bigint not null default 0, seen bigint not null default 0,
  balance bigint not null default 0 check (balance >= 0),
  held bigint not null default 0 check (held >= 0), debt bigint not null default 0 check (debt >= 0),
  at timestamptz not null, head bytea not null,
  lot_out bigint[] not null default '{}',
  check (cardinality(lot_key) = cardinality(lot_in) and cardinality(lot_key) = cardinality(lot_out)),
  check (cardinality(lot_key) <= 64))
  with (fillfactor = 70);

create table posting (
  member_id bigint not null, seq bigint not null, amount bigint not null check (amount > 0),
  balance_after bigint not null check (balance_after >= 0), held_after bigint not null check (held_after >= 0),
  debt_after bigint not null check (debt_after >= 0),
  contra bigint not null, version_id bigint not null, req_hash bigint not null,
  at timestamptz not null, rev_of bigint, spender_id bigint, value_fen bigint, ends_at timestamptz,
  effective_on date not null, part smallint not null, kind smallint not null,
  from_class smallint not null, to_class smallint not null check (from_class <> to_class),
  idem uuid not null, hash bytea not null, lots bigint[] not null, ref text,
  primary key (member_id, seq), unique (member_id, idem, part));
create index posting_rev_of on posting (member_id, rev_of) where rev_of is not null;

create table hold (
  member_id bigint not null, seq bigint not null,
  open_points bigint not null check (open_points > 0), ends_at timestamptz not null,
  primary key (member_id, seq));

create table earn_rule (
  rule_id bigint primary key, programme_id bigint not null,
  points bigint not null check (points >= 0), per_fen bigint not null check (per_fen > 0),
  from_day date not null, line_type text not null, unique (programme_id, line_type, from_day));

create table expiry_policy (
  policy_id bigint primary key, programme_id bigint not null,
  from_day date not null, months int check (months > 0), lot_class smallint not null,
  unique (programme_id, lot_class, from_day));

create table bill_line (
  member_id bigint not null, amount_fen bigint not null, waived_fen bigint not null, points bigint not null,
  rule_id bigint not null, policy_id bigint not null, bill_day date not null, line_no int not null,
  bill_id text not null, line_type text not null,
  primary key (member_id, bill_id, line_no));

create table import_run (
  import_id bigint primary key, programme_id bigint not null, began_at timestamptz not null, ended_at timestamptz,
  kind text not null, file_hash bytea not null, counts jsonb not null);
""")
    grant("select, insert, update", "programme", "member", "phone", "wallet", "import_run")
    grant("select, insert", "posting", "earn_rule", "expiry_policy", "bill_line")
    grant("select, insert, update, delete", "hold")


def downgrade() -> None:
    op.execute(
        "drop table import_run, bill_line, expiry_policy, earn_rule, hold, posting, wallet, phone, member, programme"
    )
