"""Payouts: their states and steps, runs that two persons approve, routes, Stripe's accounts, payouts and events, recoveries."""

from alembic import op

from migrations.rights import grant

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table payout (
  merchant_id bigint not null, statement_no int not null,
  version smallint not null default 1 check (version > 0), step_no int not null default 1, tries int not null default 0,
  amount_fen bigint not null check (amount_fen > 0), due_day date,
  made_at timestamptz not null, changed_at timestamptz not null, busy_until timestamptz, key_at timestamptz,
  run_id bigint, route_no int, currency text not null,
  state text not null check (state in
    ('planned', 'approved', 'sending', 'sent', 'paid', 'on_hold', 'unknown', 'failed', 'returned')),
  route text not null default '' check (route in ('', 'stripe', 'bank')),
  held text not null default '', reason text not null default '',
  account text, transfer text, payment text, bank_payout text,
  primary key (merchant_id, statement_no),
  check ((held <> '') = (state = 'on_hold')),
  check (state not in ('approved', 'sending', 'unknown', 'sent', 'paid', 'returned') or (route <> '' and run_id is not null)),
  check (state not in ('sent', 'paid', 'returned') or transfer is not null));
create index payout_to_do on payout (state, changed_at) where state <> 'paid';
create unique index payout_transfer on payout (merchant_id, transfer) where transfer is not null;
create index on payout (merchant_id, payment) where payment is not null;
create index on payout (merchant_id, bank_payout) where bank_payout is not null;

create table payout_step (
  merchant_id bigint not null, statement_no int not null, step_no int not null,
  at timestamptz not null, version smallint not null, amount_fen bigint not null,
  state text not null, route text not null, actor text not null, reason text not null, reference text, approval text,
  primary key (merchant_id, statement_no, step_no));

create table payout_run (
  run_id bigint primary key, at timestamptz not null, count int not null check (count > 0),
  sum_fen bigint not null check (sum_fen > 0), currency text not null,
  route text not null check (route in ('stripe', 'bank')), template text not null, approval text not null unique, sha256 bytea,
  check ((route = 'bank') = (sha256 is not null)));

create table payout_run_row (
  run_id bigint not null, line_no int not null, merchant_id bigint not null, statement_no int not null,
  version smallint not null, route_no int not null, amount_fen bigint not null,
  primary key (run_id, line_no), unique (run_id, merchant_id, statement_no));

create table payout_route (
  merchant_id bigint not null, route_no int not null, at timestamptz not null, holds_until timestamptz not null,
  kind text not null check (kind in ('stripe', 'bank')), account text not null, masked text not null, actor text not null,
  sealed bytea not null, contact_sealed bytea not null, primary key (merchant_id, route_no));

create table payout_route_change (
  merchant_id bigint not null, change_id bigint not null, at timestamptz not null, ends_at timestamptz not null,
  confirmed_at timestamptz, route_no int,
  kind text not null check (kind in ('stripe', 'bank')), account text not null, masked text not null, actor text not null,
  sealed bytea not null, contact_sealed bytea not null, primary key (merchant_id, change_id),
  check ((confirmed_at is null) = (route_no is null)));

create table bank_return (
  return_id bigint primary key, at timestamptz not null, rows int not null, paid int not null, returned int not null,
  wrong int not null, template text not null, actor text not null, sha256 bytea not null unique,
  check (rows = paid + returned + wrong));

create table stripe_account (
  merchant_id bigint primary key, at timestamptz not null, looked_at timestamptz, busy_until timestamptz, polled_at timestamptz,
  payouts_on boolean not null, tries int not null default 0,
  state text not null check (state in ('asked', 'onboarding', 'enabled', 'restricted')),
  country text not null, account text, needs text not null, check ((state = 'asked') = (account is null)));
create index on stripe_account (account);

create table stripe_payout (
  merchant_id bigint not null, bank_payout text not null, amount_fen bigint not null, arrival_day date,
  at timestamptz not null, changed_at timestamptz not null, rank int not null, currency text not null, state text not null,
  failure text not null, took jsonb not null default '[]', primary key (merchant_id, bank_payout));

create table stripe_event (
  event_id text primary key, at timestamptz not null, done_at timestamptz,
  kind text not null, account text not null, subject text not null);
create index stripe_event_to_do on stripe_event (at) where done_at is null;

create table recovery (
  merchant_id bigint not null, recovery_id bigint not null, statement_no int not null, against_no int,
  amount_fen bigint not null check (amount_fen > 0), item_id bigint,
  at timestamptz not null, changed_at timestamptz not null, busy_until timestamptz,
  step text not null check (step in ('reserve', 'reversal', 'invoice', 'write-off')),
  state text not null check (state in ('open', 'sending', 'unknown', 'done', 'refused', 'cancelled')),
  actor text not null, reason text not null, number text, reference text, approval text,
  primary key (merchant_id, recovery_id),
  check ((step = 'reversal') = (against_no is not null)),
  check ((step = 'invoice') = (number is not null)),
  check (step <> 'write-off' or (approval is not null and reference is not null)),
  check ((state in ('sending', 'unknown', 'refused')) <= (step = 'reversal')),
  check ((state in ('open', 'cancelled')) <= (step = 'invoice')),
  check (step = 'write-off' or state in ('sending', 'unknown', 'refused') or item_id is not null));
create unique index recovery_one_reversal on recovery (merchant_id) where state in ('sending', 'unknown');
create unique index recovery_number on recovery (merchant_id, number) where number is not null;
""")
    grant(
        "select, insert",
        "payout",
        "payout_step",
        "payout_run",
        "payout_run_row",
        "payout_route",
        "bank_return",
    )
    grant(
        "update (version, step_no, tries, changed_at, busy_until, key_at, run_id, route_no, state, route, held, reason, account, transfer, payment, bank_payout)",
        "payout",
    )
    grant("select, insert", "payout_route_change")
    grant("update (confirmed_at, route_no)", "payout_route_change")
    grant("select, insert, update", "stripe_account", "stripe_payout")
    grant("select, insert", "stripe_event")
    grant("update (done_at)", "stripe_event")
    grant("select, insert", "recovery")
    grant("update (state, item_id, changed_at, busy_until, reason, reference)", "recovery")


def downgrade() -> None:
    op.execute(
        "drop table recovery, stripe_event, stripe_payout, stripe_account, bank_return, payout_route_change, payout_route, "
        "payout_run_row, payout_run, payout_step, payout"
    )
