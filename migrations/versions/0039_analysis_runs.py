"""Analysis runs by protocol, snapshot, code version and seed; and those that were asked for, with how far they are."""

from alembic import op

from migrations.rights import grant

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
alter table analysis_run
  add column snapshot_at timestamptz,
  add column protocol_hash bytea not null default sha256('{}'),
  add column protocol jsonb not null default '{}',
  add column refusals jsonb not null default '[]';
alter table analysis_run drop constraint analysis_run_programme_id_input_hash_code_version_seed_key;
alter table analysis_run add unique (programme_id, protocol_hash, input_hash, code_version, seed);
create index on analysis_run (programme_id, run_id);

create table analysis_task (
  task_id bigint primary key, programme_id bigint not null, run_id bigint,
  asked_at timestamptz not null, began_at timestamptz, ended_at timestamptz, night date,
  steps_done int not null default 0, steps int not null default 0,
  state text not null check (state in ('waiting', 'running', 'done', 'failed')),
  asked_by text not null, reason text, snapshot_hash bytea,
  unique (programme_id, night),
  check (steps_done between 0 and steps),
  check ((state in ('waiting', 'running')) = (ended_at is null)),
  check ((state = 'done') = (run_id is not null)), check ((state = 'failed') = (reason is not null)));
create unique index analysis_task_open on analysis_task (programme_id) where ended_at is null;
""")
    grant("select, insert, update", "analysis_task")


def downgrade() -> None:
    op.execute("""
drop table analysis_task;
alter table analysis_run drop constraint analysis_run_programme_id_protocol_hash_input_hash_code_ver_key;
drop index analysis_run_programme_id_run_id_idx;
alter table analysis_run drop column protocol, drop column protocol_hash, drop column refusals, drop column snapshot_at;
alter table analysis_run add unique (programme_id, input_hash, code_version, seed);
""")
