"""Segments: dated rules about members, who is in them, and what each refresh counted."""

from alembic import op

from migrations.rights import grant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table segment (
  segment_id bigint primary key, made_at timestamptz not null, ended_at timestamptz,
  code text not null unique check (code ~ '^[a-z0-9][a-z0-9-]{0,63}$'), made_by text not null, names jsonb not null);

create table segment_version (
  version_id bigint primary key, segment_id bigint not null, made_at timestamptz not null,
  from_day date not null, adds_only boolean not null, made_by text not null, rule jsonb not null,
  unique (segment_id, from_day));

create table segment_member (
  member_id bigint not null, segment_id bigint not null, since timestamptz not null, until timestamptz,
  primary key (member_id, segment_id, since), check (until >= since));
create unique index segment_member_now on segment_member (segment_id, member_id) where until is null;

create table segment_run (
  segment_id bigint not null, run_id bigint not null, version_id bigint, last_member bigint not null,
  came bigint not null, went bigint not null, stayed bigint not null,
  began_at timestamptz not null, ended_at timestamptz, as_of date not null,
  primary key (segment_id, run_id));
create unique index segment_run_open on segment_run (segment_id) where ended_at is null;
""")
    grant("select, insert, update", "segment", "segment_run")
    grant("select, insert", "segment_version", "segment_member")
    grant("update (until)", "segment_member")


def downgrade() -> None:
    op.execute("drop table segment_run, segment_member, segment_version, segment")
