"""Webhooks: receivers, events, what is to be delivered to whom, each try, and replays."""

from alembic import op

from migrations.rights import grant

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table webhook_endpoint (
  endpoint_id bigint primary key, programme_id bigint not null,
  made_at timestamptz not null, changed_at timestamptz not null, paused_at timestamptz,
  failing_since timestamptz, rest_until timestamptz, old_secret_until timestamptz,
  state text not null check (state in ('live', 'paused', 'removed')),
  url text not null, description text not null, reason text,
  types text[] not null check (cardinality(types) > 0),
  secret_sealed bytea not null, old_secret_sealed bytea,
  check ((state = 'paused') = (paused_at is not null)), check (state <> 'paused' or reason is not null),
  check ((old_secret_sealed is null) = (old_secret_until is null)));

create table webhook_event (
  member_id bigint not null, event_id bigint not null, programme_id bigint not null, at timestamptz not null,
  type text not null, subject text not null, data jsonb not null,
  primary key (member_id, event_id));
create index webhook_event_time on webhook_event (programme_id, event_id);

create table webhook_delivery (
  member_id bigint not null, endpoint_id bigint not null, event_id bigint not null,
  tries bigint not null check (tries >= 0), due_at timestamptz not null, changed_at timestamptz not null,
  busy_until timestamptz, status bigint,
  state text not null check (state in ('waiting', 'delivered', 'failed', 'dropped')),
  primary key (member_id, endpoint_id, event_id),
  check (state not in ('delivered', 'failed') or (tries > 0 and busy_until is null)));
create index webhook_delivery_waiting on webhook_delivery (endpoint_id, member_id) where state = 'waiting';
create index webhook_delivery_time on webhook_delivery (endpoint_id, event_id);

create table webhook_try (
  member_id bigint not null, try_id bigint not null, endpoint_id bigint not null, event_id bigint not null,
  at timestamptz not null, number bigint not null, duration_ms bigint not null check (duration_ms >= 0),
  status bigint, error text,
  primary key (member_id, try_id));
create index webhook_try_delivery on webhook_try (member_id, endpoint_id, event_id);

create table webhook_replay (
  replay_id bigint primary key, endpoint_id bigint not null, from_at timestamptz not null,
  last_event bigint not null, until_event bigint not null, looked_at bigint not null, queued bigint not null,
  began_at timestamptz not null, ended_at timestamptz, actor text not null);
create unique index webhook_replay_one on webhook_replay (endpoint_id) where ended_at is null;
""")
    grant("select, insert", "webhook_event", "webhook_try")
    grant("select, insert, update", "webhook_endpoint", "webhook_delivery", "webhook_replay")


def downgrade() -> None:
    op.execute("drop table webhook_replay, webhook_try, webhook_delivery, webhook_event, webhook_endpoint")
