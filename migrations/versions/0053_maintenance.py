"""Planned work."""

from alembic import op

from migrations.rights import grant

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table maintenance (
  maintenance_id bigint primary key, from_at timestamptz not null, until_at timestamptz not null,
  announced_at timestamptz not null, ended_at timestamptz, read_only boolean not null,
  announced_by text not null, ended_by text, texts jsonb not null,
  check (from_at < until_at and until_at <= from_at + interval '24 hours'), check (announced_at <= from_at),
  check ((ended_at is null) = (ended_by is null)));
""")
    grant("select, insert", "maintenance")
    grant("update (ended_at, ended_by)", "maintenance")


def downgrade() -> None:
    op.execute("drop table maintenance")
