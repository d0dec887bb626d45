"""Events of lines, and what programmes allow in each state."""

from alembic import op

from migrations.rights import grant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table line_event (
  member_id bigint not null, at timestamptz not null, successor_id bigint,
  since date not null, clearing_day date, nth int not null check (nth > 0), applied boolean not null,
  state text not null check (state in
    ('active', 'suspended', 'pre_cancelled', 'transfer', 'cancelled', 'rejoined')),
  event_id text not null, reason text not null, actor text not null,
  digest bytea not null, hash bytea not null,
  primary key (member_id, nth), unique (member_id, event_id),
  check (state = 'cancelled' or (clearing_day is null and successor_id is null)));
create index on line_event (clearing_day, member_id) where clearing_day is not null;

create table line_policy (
  policy_id bigint primary key, programme_id bigint not null, from_day date not null,
  line_state text not null, action text not null, answer text not null,
  unique (programme_id, line_state, action, from_day));
""")
    grant("select, insert", "line_event", "line_policy")


def downgrade() -> None:
    op.execute("drop table line_event, line_policy")
