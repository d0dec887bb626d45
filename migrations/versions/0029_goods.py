"""Goods with their orders and steps, and the parts of bundles."""

from alembic import op

from migrations.rights import grant

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

STATES = "'ordered', 'picked', 'shipped', 'delivered', 'returned', 'lost', 'refused', 'cancelled'"


def upgrade() -> None:
    op.execute(f"""
create table goods_order (
  member_id bigint not null, redemption_id bigint not null, version_id bigint not null,
  units int not null check (units > 0), units_shipped int not null default 0,
  return_days int not null check (return_days >= 0), steps smallint not null default 0,
  ordered_at timestamptz not null, changed_at timestamptz not null, shipped_at timestamptz, delivered_at timestamptz,
  state text not null check (state in ({STATES})),
  goods_class text not null check (goods_class in ('gift', 'electronic', 'consumable')),
  provider text not null, sku text not null, provider_order text, parcels jsonb not null default '[]',
  address_sealed bytea, codes_sealed bytea,
  primary key (member_id, redemption_id),
  check (units_shipped between 0 and units),
  check ((address_sealed is null) = (goods_class = 'electronic')),
  check (codes_sealed is null or goods_class = 'electronic'),
  check (state not in ('shipped', 'delivered') or units_shipped = units))
  with (fillfactor = 80);

create table goods_step (
  member_id bigint not null, redemption_id bigint not null, at timestamptz not null, no smallint not null,
  units_shipped int not null, state text not null check (state in ({STATES})),
  actor text not null, channel text not null, reason text,
  primary key (member_id, redemption_id, no));

create table bundle_part (
  member_id bigint not null, redemption_id bigint not null, offer_id bigint not null, version_id bigint not null,
  value_fen bigint not null check (value_fen >= 0), changed_at timestamptz not null,
  units int not null check (units > 0), part_no smallint not null,
  kind text not null check (kind in ('voucher', 'bill_credit', 'service', 'goods')),
  state text not null check (state in ('waiting', 'given', 'undone')),
  primary key (member_id, redemption_id, part_no));
create index on bundle_part (offer_id);
""")
    grant("select, insert, update", "goods_order", "bundle_part")
    grant("select, insert", "goods_step")


def downgrade() -> None:
    op.execute("drop table bundle_part, goods_step, goods_order")
