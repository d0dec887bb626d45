"""How many of an offer were taken by all members together, counted only where an offer limits that."""

from alembic import op

from migrations.rights import grant

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table offer_count (
  offer_id bigint not null, per text not null check (per in ('day', 'month', 'year', 'ever')), first_day date not null,
  units bigint not null check (units >= 0), primary key (offer_id, per, first_day));
""")
    grant("select, insert, update", "offer_count")


def downgrade() -> None:
    op.execute("drop table offer_count")
