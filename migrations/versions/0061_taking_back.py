"""A file that was taken in may be taken back while it is untouched."""

from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

_WHY = "-- because nothing is released yet: the other deed comes at once, and the table is small\n-- squawk-ignore "
_DROP = f"{_WHY}ban-drop-constraint\nalter table intake_job drop constraint intake_job_deed_check"
_DEEDS = (
    f"{_WHY}constraint-missing-not-valid\n"
    "alter table intake_job add constraint intake_job_deed_check check (deed in ({}))"
)
_BEFORE = "'try', 'commit'"


def upgrade() -> None:
    op.execute(_DROP)
    op.execute(_DEEDS.format(_BEFORE + ", 'undo'"))


def downgrade() -> None:
    op.execute(_DROP)
    op.execute("delete from intake_job where deed = 'undo'")
    op.execute(_DEEDS.format(_BEFORE))
