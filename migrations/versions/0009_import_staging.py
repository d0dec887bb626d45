"""Lines of a file on their way to the ledger, sorted by member, and the parts that they are done in."""

from alembic import op

from migrations.rights import grant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table staged_line (
  member_id bigint not null, import_id bigint not null, line_no bigint not null, line text not null,
  primary key (member_id, import_id, line_no));

create table import_part (
  import_id bigint not null, part_no bigint not null,
  first_member bigint not null, last_member bigint not null,
  first_line bigint not null, last_line bigint not null,
  lines bigint not null, read bigint not null, done_at timestamptz,
  posted bigint not null default 0, already_there bigint not null default 0, refused bigint not null default 0,
  recounted bigint not null default 0, points jsonb not null default '{}', preview jsonb,
  refused_lines bigint[] not null default '{}', reasons text[] not null default '{}',
  primary key (import_id, part_no));

create index on import_run (programme_id, kind, file_hash);
""")
    grant("select, insert, delete", "staged_line")
    grant("select, insert, update, delete", "import_part")


def downgrade() -> None:
    op.execute("drop table staged_line, import_part")
    op.execute("drop index import_run_programme_id_kind_file_hash_idx")
