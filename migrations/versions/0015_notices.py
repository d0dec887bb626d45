"""Notices by versioned templates, with a check code and a state; what they cost; who was told what; a member's language."""

from alembic import op

from migrations.rights import APP_ROLE, grant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table notice_template (
  version bigint not null check (version > 0), from_at timestamptz not null,
  code text not null, texts jsonb not null, actor text not null,
  primary key (code, version), unique (code, from_at));

alter table notice
  add column seq bigint, add column version bigint not null default 0, add column tries bigint not null default 0,
  add column due_at timestamptz, add column changed_at timestamptz, add column sent_at timestamptz,
  add column state text not null default 'suppressed', add column template text not null default 'earlier',
  add column language text check (language in ('zh-CN', 'en')),
  add column keyed boolean not null default false,
  add column reason text default 'written before there was a gateway', add column code_digest bytea;
update notice set due_at = at, changed_at = at;
alter table notice
  alter column due_at set not null, alter column changed_at set not null,
  alter column version drop default, alter column state drop default, alter column template drop default,
  alter column reason drop default,
  add check (state in ('written', 'due', 'sent', 'delivered', 'failed', 'suppressed')),
  add check (state not in ('failed', 'suppressed') or reason is not null),
  add check (state not in ('sent', 'delivered') or (sent_at is not null and tries > 0)),
  add check (due_at >= at);
create unique index notice_posting on notice (member_id, seq) where seq is not null;
create index notice_code on notice (code_digest);

create table notice_spend (day date primary key, fen bigint not null check (fen >= 0));

create table expiry_notice (
  member_id bigint not null, points bigint not null check (points > 0), notice_id bigint not null,
  worth_fen bigint not null check (worth_fen >= 0), at timestamptz not null,
  last_day date not null, stage smallint not null check (stage in (90, 30, 7)),
  primary key (member_id, last_day, stage));

create table notice_walk (
  programme_id bigint not null, last_member bigint not null, looked_at bigint not null, written bigint not null,
  last_key bigint not null,
  began_at timestamptz not null, changed_at timestamptz not null, ended_at timestamptz, until_at timestamptz,
  task text not null check (task in ('expiry', 'debits')), subject text not null,
  primary key (programme_id, task, subject));

create index posting_at on posting using brin (at) with (pages_per_range = 32, autosummarize = on);

alter table member add column language text check (language in ('zh-CN', 'en'));
""")
    grant("select, insert", "notice_template", "expiry_notice")
    grant("select, insert, update", "notice_spend", "notice_walk")
    grant("update (tries, changed_at, sent_at, state, reason)", "notice")


def downgrade() -> None:
    op.execute(f"""
alter table member drop column language;
drop index posting_at;
drop table notice_walk, expiry_notice, notice_spend, notice_template;
revoke update on notice from {APP_ROLE};
revoke update (tries, changed_at, sent_at, state, reason) on notice from {APP_ROLE};
drop index notice_posting, notice_code;
alter table notice
  drop column seq, drop column version, drop column tries, drop column due_at, drop column changed_at,
  drop column sent_at, drop column state, drop column template, drop column language, drop column reason,
  drop column code_digest, drop column keyed;
""")
