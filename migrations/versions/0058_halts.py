"""Actions that are stopped, and what the proof of each hour found."""

from alembic import op

from migrations.rights import grant

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table halt (
  halt_id bigint primary key, programme_id bigint not null check (programme_id >= 0), began_at timestamptz not null, ended_at timestamptz,
  action text not null check (action in ('redeem', 'accept', 'payout', 'export', 'enrol', 'earn')),
  begun_by text not null, reason text not null check (reason <> ''), approval text,
  check (began_at <= ended_at), check ((ended_at is null) = (approval is null)));
create unique index halt_on on halt (action, programme_id) where ended_at is null;

create table verify_run (
  hour timestamptz primary key, began_at timestamptz not null, ended_at timestamptz,
  postings bigint not null default 0 check (postings >= 0), findings bigint not null default 0 check (findings >= 0), found jsonb,
  check (began_at <= ended_at), check ((ended_at is null) = (found is null)));
""")
    grant("select, insert", "halt", "verify_run")
    grant("update (ended_at, approval)", "halt")
    grant("update (ended_at, postings, findings, found)", "verify_run")


def downgrade() -> None:
    op.execute("drop table verify_run; drop table halt")
