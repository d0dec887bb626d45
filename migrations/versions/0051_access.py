"""Second factors and recovery codes of staff, their sign-ins kept, single sign-on, reviews of access."""

from alembic import op

from migrations.rights import grant

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
alter table staff
  add column roles_at timestamptz, add column password_at timestamptz, add column factor_at timestamptz,
  add column factor_step bigint not null default 0, add column link_ends_at timestamptz,
  add column subject text unique, add column factor_sealed bytea,
  add column link_digest bytea unique check (octet_length(link_digest) = 32),
  add check ((factor_sealed is null) = (factor_at is null)), add check ((link_digest is null) = (link_ends_at is null));

create table recovery_code (
  staff_id bigint not null, made_at timestamptz not null, used_at timestamptz,
  digest bytea not null check (octet_length(digest) = 32),
  primary key (staff_id, digest));

create table staff_sign_in (
  staff_id bigint not null, entry_id bigint not null, began_at timestamptz not null, seen_at timestamptz not null,
  ended_at timestamptz, way text not null check (way in ('password', 'code', 'recovery', 'single')),
  network text not null, browser text not null,
  primary key (staff_id, entry_id));
create index on staff_sign_in (seen_at);

create table access_review (
  month date primary key check (extract(day from month) = 1), staff_id bigint not null, at timestamptz not null,
  persons bigint not null check (persons >= 0), stale bigint not null check (stale between 0 and persons),
  shared bigint not null check (shared between 0 and persons), content_hash bytea not null check (octet_length(content_hash) = 32),
  note text not null, content text not null,
  constraint access_review_content check (content_hash = sha256(convert_to(content, 'UTF8'))));

alter table sign_in drop constraint sign_in_kind_check,
  add constraint sign_in_kind_check check (kind in ('member', 'clerk', 'merchant', 'staff', 'halfway'));
""")
    grant("select, insert", "recovery_code", "staff_sign_in", "access_review")
    grant("update (used_at)", "recovery_code")
    grant("update (seen_at, ended_at)", "staff_sign_in")


def downgrade() -> None:
    op.execute("""
delete from sign_in where kind = 'halfway';
alter table sign_in drop constraint sign_in_kind_check,
  add constraint sign_in_kind_check check (kind in ('member', 'clerk', 'merchant', 'staff'));
drop table access_review, staff_sign_in, recovery_code;
alter table staff drop column link_digest, drop column factor_sealed, drop column subject, drop column link_ends_at,
  drop column factor_step, drop column factor_at, drop column password_at, drop column roles_at;
""")
