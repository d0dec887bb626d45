"""Members' accounts: freezes, devices and sign-ins by the operator's app, codes above a threshold, own data as a file."""

from alembic import op

from migrations.rights import grant

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
alter table wallet add column stopped boolean not null default false;

create table wallet_freeze (
  member_id bigint not null, freeze_id bigint not null, at timestamptz not null,
  thaw_at timestamptz, ended_at timestamptz,
  side text not null check (side in ('member', 'staff')),
  reason text not null check (reason in ('own', 'not-me', 'member-called', 'suspected-fraud')),
  actor text not null, case_no text not null default '', ended_by text, ended_case text,
  primary key (member_id, freeze_id),
  check ((side = 'staff') = (reason = 'suspected-fraud')),
  check ((ended_at is null) = (ended_by is null)));
create unique index wallet_freeze_open on wallet_freeze (member_id, side) where ended_at is null;

alter table sign_in add column trusted_at timestamptz, add column device text not null default '',
  add column mark bytea check (octet_length(mark) = 32);
update sign_in set trusted_at = began_at;

create table member_device (
  member_id bigint not null, digest bytea not null check (octet_length(digest) = 32), since timestamptz not null,
  primary key (member_id, digest));

create table app_token (
  ends_at timestamptz not null, used_at timestamptz not null,
  digest bytea primary key check (octet_length(digest) = 32));
create index on app_token (ends_at);

create table step_up (
  member_id bigint not null, quote_id bigint not null, at timestamptz not null,
  why text not null check (why in ('gift', 'value', 'device', 'number')),
  primary key (member_id, quote_id));

create table member_export (
  member_id bigint not null, export_id bigint not null, asked_at timestamptz not null, made_at timestamptz,
  ends_at timestamptz, downloaded_at timestamptz, downloads int not null default 0,
  done int not null default 0, total int not null, on_day date not null, language text not null, file bytea,
  primary key (member_id, export_id), unique (member_id, on_day),
  check ((made_at is null) = (ends_at is null)), check (file is null or made_at is not null));
""")
    grant("select, insert", "wallet_freeze", "member_device", "step_up", "member_export")
    grant("update (thaw_at, ended_at, ended_by, ended_case)", "wallet_freeze")
    grant("update (made_at, ends_at, downloaded_at, downloads, done, file)", "member_export")
    grant("select, insert, delete", "app_token")


def downgrade() -> None:
    op.execute("""
drop table member_export, step_up, app_token, member_device;
alter table sign_in drop column mark, drop column device, drop column trusted_at;
drop table wallet_freeze;
alter table wallet drop column stopped;
""")
