"""Each programme may call its points by a name of its own."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table programme add column unit jsonb")


def downgrade() -> None:
    op.execute("alter table programme drop column unit")
