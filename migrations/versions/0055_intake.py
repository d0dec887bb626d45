"""Files that are taken in by way of a page: their parts, sealed, what was done with them, and how columns were mapped."""

from alembic import op

from migrations.rights import grant

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table intake (
  intake_id bigint primary key, programme_id bigint not null, size bigint not null check (size >= 0),
  lines bigint not null check (lines >= 0), sent_at timestamptz not null, mapped_at timestamptz, posting_at timestamptz, emptied_at timestamptz,
  kind text not null, name text not null, sent_by text not null, sha256 bytea, heads jsonb not null, names jsonb);
create index intake_sent on intake (sent_at) where emptied_at is null;

create table intake_part (
  intake_id bigint not null, part_no int not null check (part_no > 0), what text not null check (what in ('file', 'errors')),
  sealed bytea not null, primary key (intake_id, what, part_no));
alter table intake_part alter column sealed set storage external;

create table intake_job (
  job_id bigint primary key, intake_id bigint not null, done bigint not null default 0, total bigint not null default 0,
  from_done bigint not null default 0, asked_at timestamptz not null, began_at timestamptz, from_at timestamptz,
  stands_at timestamptz, cancelled_at timestamptz, ended_at timestamptz,
  deed text not null check (deed in ('try', 'commit')),
  state text not null check (state in ('waiting', 'running', 'done', 'failed', 'cancelled')),
  phase text not null default '', asked_by text not null, reason text, counts jsonb, told bytea,
  check ((ended_at is null) = (state in ('waiting', 'running'))));
create unique index intake_job_open on intake_job (intake_id) where ended_at is null;
create index intake_job_of on intake_job (intake_id, job_id);
create index intake_job_running on intake_job (job_id) where ended_at is null;

create table intake_mapping (
  actor text not null, kind text not null, heads_hash bytea not null, names jsonb not null, at timestamptz not null,
  primary key (actor, kind, heads_hash));
""")
    grant("select, insert", "intake", "intake_job", "intake_mapping")
    grant("update (sha256, size, lines, heads, names, mapped_at, posting_at, emptied_at)", "intake")
    grant("select, insert, delete", "intake_part")
    grant(
        "update (done, total, from_done, began_at, from_at, stands_at, cancelled_at, ended_at, state, phase, reason, counts, "
        "told)",
        "intake_job",
    )
    grant("update (names, at)", "intake_mapping")


def downgrade() -> None:
    op.execute("drop table intake_mapping; drop table intake_job; drop table intake_part; drop table intake")
