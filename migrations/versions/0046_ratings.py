"""What members say of what they used: entries, of which the latest counts."""

from alembic import op

from migrations.rights import grant

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table rating (
  member_id bigint not null, redemption_id bigint not null, rater_id bigint not null,
  offer_id bigint not null, merchant_id bigint, outlet_id bigint,
  first_at timestamptz not null, at timestamptz not null, used_at timestamptz not null,
  no smallint not null check (no between 1 and 10), stars smallint not null check (stars between 1 and 5),
  kind text not null, area text not null,
  reasons text[] not null check (reasons <@ array['value', 'ease', 'service', 'waiting', 'quality', 'information']),
  words_sealed bytea,
  primary key (member_id, redemption_id, no),
  check (first_at <= at and used_at <= at and (no > 1 or first_at = at)));
create index on rating (offer_id, at);
create index on rating (merchant_id, outlet_id) where merchant_id is not null;
""")
    grant("select, insert", "rating")


def downgrade() -> None:
    op.execute("drop table rating")
