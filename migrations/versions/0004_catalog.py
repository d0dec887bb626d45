"""Offers, stock, rates, quotes, redemptions, vouchers, seats."""

from alembic import op

from migrations.rights import grant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table offer (
  offer_id bigint primary key, programme_id bigint not null, merchant_id bigint,
  value_fen bigint not null check (value_fen > 0), from_at timestamptz not null, until_at timestamptz,
  most_units int not null default 1 check (most_units between 1 and 100), voucher_days int,
  event_at timestamptz, cancellable boolean not null,
  kind text not null check (kind in ('bill_credit', 'voucher', 'perk', 'history')),
  state text not null default 'live' check (state in ('live', 'paused', 'ended')),
  code text not null, category text not null, city text,
  names jsonb not null, texts jsonb not null,
  unique (programme_id, code),
  check ((kind = 'voucher') = (merchant_id is not null and voucher_days is not null)));
create index on offer (programme_id, state, kind);

create table stock (
  offer_id bigint primary key, total bigint not null, left_over bigint not null,
  check (left_over between 0 and total));

create table rate (
  rate_id bigint primary key, programme_id bigint not null, offer_id bigint, kind text, from_day date not null,
  points bigint not null check (points > 0), per_fen bigint not null check (per_fen > 0),
  check (offer_id is null or kind is null),
  unique nulls not distinct (programme_id, offer_id, kind, from_day));

create table quote (
  member_id bigint not null, quote_id bigint not null, offer_id bigint not null, rate_id bigint not null,
  units int not null, price_points bigint not null, value_fen bigint not null,
  made_at timestamptz not null, ends_at timestamptz not null, lots bigint[] not null,
  primary key (member_id, quote_id));

create table redemption (
  member_id bigint not null, redemption_id bigint not null, offer_id bigint not null, rate_id bigint not null,
  quote_id bigint, posting_seq bigint, price_points bigint not null check (price_points > 0),
  value_fen bigint not null check (value_fen >= 0),
  at timestamptz not null, changed_at timestamptz not null, units int not null, tries int not null default 0, maybe_sent boolean not null default false,
  kind text not null check (kind in ('bill_credit', 'voucher', 'perk', 'history')),
  state text not null check (state in ('pending', 'fulfilled', 'failed', 'cancelled', 'unknown')),
  reason text,
  primary key (member_id, redemption_id), unique (member_id, quote_id));
create index on redemption (member_id, at);

create table voucher (
  member_id bigint not null, voucher_id bigint not null, redemption_id bigint not null, offer_id bigint not null,
  merchant_id bigint not null, units bigint not null check (units > 0), units_left bigint not null,
  face_fen bigint not null, booked_fen bigint not null, held_by bigint,
  issued_at timestamptz not null, held_until timestamptz, last_day date not null,
  use_no int not null default 0, cycles int not null default 0, pepper_id smallint not null,
  state text not null check (state in ('issued', 'held', 'accepted', 'expired', 'cancelled', 'frozen')),
  last4 text not null, digest bytea not null, code_sealed bytea not null, token_digest bytea,
  primary key (member_id, voucher_id), unique (member_id, digest),
  check (units_left between 0 and units),
  check ((state = 'accepted') = (units_left = 0)),
  check ((state = 'held') = (held_by is not null and token_digest is not null and held_until is not null)))
  with (fillfactor = 80);
create index voucher_digest on voucher (digest);
create index on voucher (member_id, redemption_id);

create table seat (
  member_id bigint not null, seat_id bigint not null, offer_id bigint not null, redemption_id bigint not null,
  state text not null check (state in ('taken', 'given_back')), at timestamptz not null,
  primary key (member_id, seat_id), unique (member_id, redemption_id));
create unique index seat_once on seat (member_id, offer_id) where state = 'taken';
create index on seat (offer_id);
""")
    grant("select, insert, update", "offer", "stock", "redemption", "voucher", "seat")
    grant("select, insert", "rate", "quote")


def downgrade() -> None:
    op.execute("drop table seat, voucher, redemption, quote, rate, stock, offer")
