"""Merchants, outlets, terminals, clerks, terms, acceptances and voids, sealed statements."""

from alembic import op

from migrations.rights import grant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table merchant (
  merchant_id bigint primary key, code text not null unique, names jsonb not null,
  zone text not null, currency text not null, city text not null,
  state text not null default 'active' check (state in ('active', 'suspended', 'closed')));

create table outlet (
  outlet_id bigint primary key, merchant_id bigint not null, names jsonb not null, address jsonb not null);
create index on outlet (merchant_id);

create table terminal (
  terminal_id bigint primary key, merchant_id bigint not null, outlet_id bigint not null,
  code text not null unique, revoked_at timestamptz);
create index on terminal (outlet_id);

create table clerk (
  clerk_id bigint primary key, merchant_id bigint not null, outlet_id bigint not null, number text not null,
  pin_hash text not null, is_manager boolean not null default false, ended_at timestamptz,
  unique (outlet_id, number));

create table terms (
  terms_id bigint primary key, merchant_id bigint not null, from_day date not null,
  price_bp int not null check (price_bp between 0 and 10000),
  fee_bp int not null check (fee_bp between 0 and 10000), vat_bp int not null check (vat_bp between 0 and 10000),
  void_window_s int not null check (void_window_s >= 0),
  unique (merchant_id, from_day));

create table acceptance (
  member_id bigint not null, acceptance_id bigint not null, voucher_id bigint not null, use_no int not null,
  merchant_id bigint not null, outlet_id bigint not null, terminal_id bigint not null, clerk_id bigint not null,
  terms_id bigint not null, units bigint not null check (units > 0),
  owed_fen bigint not null check (owed_fen >= 0), fee_fen bigint not null check (fee_fen >= 0),
  vat_fen bigint not null check (vat_fen >= 0), booked_fen bigint not null check (booked_fen >= 0),
  recorded_at timestamptz not null, void_id bigint, currency text not null, last4 text not null, offer_names jsonb not null,
  primary key (member_id, acceptance_id));
create unique index acceptance_once on acceptance (member_id, voucher_id, use_no) where void_id is null;
create index on acceptance (merchant_id, recorded_at);
create index on acceptance (terminal_id, recorded_at);

create table void (
  member_id bigint not null, void_id bigint not null, acceptance_id bigint not null, merchant_id bigint not null,
  terminal_id bigint not null, clerk_id bigint not null, recorded_at timestamptz not null, reason text not null,
  primary key (member_id, void_id), unique (member_id, acceptance_id));
create index on void (merchant_id, recorded_at);

create table statement (
  merchant_id bigint not null, statement_no int not null, from_at timestamptz not null, to_at timestamptz not null,
  sealed_at timestamptz not null, owed_fen bigint not null, fee_fen bigint not null, vat_fen bigint not null,
  net_fen bigint not null, line_count int not null, currency text not null, previous_hash bytea not null, hash bytea not null,
  primary key (merchant_id, statement_no), check (net_fen = owed_fen - fee_fen - vat_fen), check (from_at < to_at));

create table statement_line (
  merchant_id bigint not null, statement_no int not null, line_no int not null,
  kind text not null check (kind in ('acceptance', 'void')),
  member_id bigint not null, source_id bigint not null, recorded_at timestamptz not null,
  owed_fen bigint not null, fee_fen bigint not null, vat_fen bigint not null,
  primary key (merchant_id, statement_no, line_no), unique (merchant_id, kind, member_id, source_id));
""")
    grant("select, insert, update", "merchant", "outlet", "terminal", "clerk")
    grant("select, insert", "terms", "acceptance", "void", "statement", "statement_line")
    grant("update (void_id)", "acceptance")


def downgrade() -> None:
    op.execute(
        "drop table statement_line, statement, void, acceptance, terms, clerk, terminal, outlet, merchant"
    )
