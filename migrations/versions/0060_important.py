"""Important members are found without reading all others: by number, and by area."""

from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

_WHY = (
    "-- because nothing is released yet: there are no facts to wait for\n"
    "-- squawk-ignore require-concurrent-index-creation\n"
)
_IMPORTANT = "where tiers && '{diamond,gold}'::text[]"


def upgrade() -> None:
    op.execute(
        f"{_WHY}create index member_facts_important on member_facts (programme_id, member_id) {_IMPORTANT}"
    )
    op.execute(
        f"{_WHY}create index member_facts_important_area on member_facts (area text_pattern_ops, member_id) {_IMPORTANT}"
    )


def downgrade() -> None:
    op.execute("drop index member_facts_important")
    op.execute("drop index member_facts_important_area")
