"""Corrections of bill lines."""

from alembic import op

from migrations.rights import grant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table bill_correction (
  member_id bigint not null, amount_fen bigint not null check (amount_fen >= 0),
  waived_fen bigint not null check (waived_fen between 0 and amount_fen),
  points_before bigint not null check (points_before >= 0), points bigint not null check (points >= 0),
  at timestamptz not null, correction_day date not null, line_no int not null,
  nth int not null check (nth > 0), bill_id text not null, correction_id text not null,
  seqs bigint[] not null,
  primary key (member_id, bill_id, line_no, correction_id), unique (member_id, bill_id, line_no, nth));
""")
    grant("select, insert", "bill_correction")


def downgrade() -> None:
    op.execute("drop table bill_correction")
