"""Staff and analysis runs."""

from alembic import op

from migrations.rights import grant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table staff (
  staff_id bigint primary key, ended_at timestamptz, email text not null unique, name text not null,
  password_hash text not null, roles text[] not null);

create table analysis_run (
  run_id bigint primary key, programme_id bigint not null, at timestamptz not null, seed bigint not null,
  code_version text not null, input_hash bytea not null, report jsonb not null,
  unique (programme_id, input_hash, code_version, seed));
create index on analysis_run (programme_id, at);
""")
    grant("select, insert, update", "staff")
    grant("select, insert", "analysis_run")


def downgrade() -> None:
    op.execute("drop table analysis_run, staff")
