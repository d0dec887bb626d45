"""Points are frozen where a number changed hands; from where staff signed in is forgotten after its time."""

from alembic import op

from migrations.rights import grant

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

_WHY = "-- because nothing is released yet: the other reasons come at once, and the table is small\n-- squawk-ignore "
_DROP = f"{_WHY}ban-drop-constraint\nalter table wallet_freeze drop constraint wallet_freeze_reason_check"
_REASONS = (
    f"{_WHY}constraint-missing-not-valid\n"
    "alter table wallet_freeze add constraint wallet_freeze_reason_check check (reason in ({}))"
)
_BEFORE = "'own', 'not-me', 'member-called', 'suspected-fraud'"


def upgrade() -> None:
    op.execute(_DROP)
    op.execute(_REASONS.format(_BEFORE + ", 'number-changed'"))
    grant("update (network, browser)", "staff_sign_in")


def downgrade() -> None:
    op.execute(_DROP)
    op.execute("update wallet_freeze set reason = 'member-called' where reason = 'number-changed'")
    op.execute(_REASONS.format(_BEFORE))
