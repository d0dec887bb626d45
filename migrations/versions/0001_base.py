"""Sign-ins, keys, guesses, idempotency, outbox, notices, audit, and the job queue's own tables."""

from alembic import op
from procrastinate.schema import SchemaManager

from migrations.rights import APP_ROLE, grant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("revoke create on schema public from public")
    op.execute(f"grant usage on schema public to {APP_ROLE}")
    op.execute(f"grant select on alembic_version to {APP_ROLE}")
    op.execute("""
create table sign_in (
  subject_id bigint not null, place_id bigint not null default 0,
  began_at timestamptz not null, seen_at timestamptz not null, ends_at timestamptz not null,
  kind text not null check (kind in ('member', 'clerk', 'staff')),
  token_digest bytea primary key);
create index on sign_in (kind, subject_id);

create table api_key (
  programme_id bigint not null, made_at timestamptz not null, ends_at timestamptz,
  key_id text primary key, secret_digest bytea not null, name text not null, scopes text[] not null);

create table one_time_code (
  tries bigint not null default 0, ends_at timestamptz not null, scope text primary key, digest bytea not null);

create table guess (guess_id bigint primary key, at timestamptz not null, scope text not null);
create index on guess (scope, at);

create table idempotency_key (
  member_id bigint not null, status bigint, at timestamptz not null,
  actor text not null, key text not null, request_hash bytea not null, answer jsonb,
  primary key (member_id, actor, key));
create index on idempotency_key (actor, key);

create table outbox (
  member_id bigint not null, outbox_id bigint not null, due_at timestamptz not null,
  task text not null, args jsonb not null,
  primary key (member_id, outbox_id));
create index on outbox (due_at);

create table notice (
  member_id bigint not null, notice_id bigint not null, at timestamptz not null,
  channel text not null check (channel in ('sms', 'mail')), receiver_sealed bytea not null, text_sealed bytea not null,
  primary key (member_id, notice_id));
create index on notice (notice_id);

create table audit (
  audit_id bigint primary key, at timestamptz not null,
  actor text not null, action text not null, subject text not null, facts jsonb not null);
create index on audit (subject, at);
""")
    grant("select, insert, update, delete", "sign_in", "one_time_code", "guess", "outbox")
    grant("select, insert, update", "idempotency_key", "api_key")
    grant("select, insert", "notice", "audit")
    op.execute(SchemaManager.get_schema())
    grant(
        "select, insert, update, delete",
        "procrastinate_jobs",
        "procrastinate_events",
        "procrastinate_periodic_defers",
        "procrastinate_workers",
    )
    op.execute(f"grant usage, select on all sequences in schema public to {APP_ROLE}")


def downgrade() -> None:
    raise NotImplementedError("the first version has nothing before it")
