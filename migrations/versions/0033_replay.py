"""Replays of proposals: what a change would have done to the months before, part by part."""

from alembic import op

from migrations.rights import grant

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table replay_run (
  replay_id bigint primary key, proposal_id bigint not null, programme_id bigint not null,
  asked_at timestamptz not null, began_at timestamptz, ended_at timestamptz,
  from_day date not null, until_day date not null check (until_day >= from_day),
  months smallint not null check (months between 1 and 12),
  parts_done smallint not null default 0 check (parts_done between 0 and cardinality(ends)),
  state text not null check (state in ('waiting', 'running', 'done')), asked_by text not null,
  content_hash bytea not null, ends bigint[] not null,
  sums jsonb not null, report jsonb,
  unique (proposal_id, content_hash, months, until_day),
  check ((state = 'waiting') = (began_at is null)), check ((state = 'done') = (ended_at is not null)),
  check ((state = 'done') = (report is not null)), check ((state = 'done') = (parts_done > 0 and parts_done = cardinality(ends))));
create index on replay_run (programme_id, replay_id);
""")
    grant("select, insert, update", "replay_run")


def downgrade() -> None:
    op.execute("drop table replay_run")
