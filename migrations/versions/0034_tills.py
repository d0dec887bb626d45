"""Tills with keys of their own: signed requests, shifts, roles of a merchant's people, rotating pictures, refused tries."""

from alembic import op

from migrations.rights import grant

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
alter table terminal add column kind text not null default 'browser' check (kind in ('browser', 'pos', 'sandbox')),
  add column frozen_at timestamptz;

create table terminal_key (
  terminal_id bigint not null, key_id bigint not null,
  algorithm text not null check (algorithm in ('ed25519', 'p256')), public_key bytea not null,
  from_at timestamptz not null, ends_at timestamptz, counter bigint not null default 0,
  primary key (terminal_id, key_id));

create table terminal_nonce (
  terminal_id bigint not null, key_id bigint not null, counter bigint not null check (counter > 0), nonce text not null,
  at timestamptz not null, primary key (terminal_id, key_id, counter));
create index on terminal_nonce (at);

create table till_attempt (
  terminal_id bigint not null, attempt_id bigint not null, merchant_id bigint not null, outlet_id bigint not null,
  clerk_id bigint, at timestamptz not null, deed text not null, problem text not null,
  member_id bigint, voucher_id bigint, primary key (terminal_id, attempt_id));
create index on till_attempt (terminal_id, at) where problem = 'voucher-unknown';
create index on till_attempt (merchant_id, at) where problem = 'voucher-unknown';
create index on till_attempt (member_id, voucher_id, at) where voucher_id is not null;

create table shift (
  terminal_id bigint not null, shift_id bigint not null, merchant_id bigint not null, outlet_id bigint not null,
  clerk_id bigint not null, opened_at timestamptz not null, closed_at timestamptz,
  accepted int, voided int, net_fen bigint, primary key (terminal_id, shift_id),
  check ((closed_at is null) = (accepted is null and voided is null and net_fen is null)));
create unique index shift_open on shift (terminal_id) where closed_at is null;
create index on shift (outlet_id, opened_at);

alter table clerk add column role text not null default 'clerk' check (role in ('clerk', 'manager', 'finance', 'owner'));
update clerk set role = 'manager' where is_manager;
alter table clerk drop column is_manager;

alter table terms add column manager_void_window_s int not null default 86400 check (manager_void_window_s >= void_window_s),
  add column typed_limit_fen bigint not null default 5000 check (typed_limit_fen >= 0),
  add column direct_accept boolean not null default false;

alter table acceptance add column shift_id bigint,
  add column source text not null default 'check' check (source in ('check', 'direct'));

alter table voucher add column last_step bigint not null default 0;

alter table sign_in drop constraint sign_in_kind_check,
  add constraint sign_in_kind_check check (kind in ('member', 'clerk', 'merchant', 'staff'));

create index idempotency_key_of_terminal on idempotency_key (actor, key) where actor like 'terminal:%';
""")
    grant("select, insert", "terminal_key", "till_attempt")
    grant("update (ends_at, counter)", "terminal_key")
    grant("select, insert, delete", "terminal_nonce")
    grant("select, insert, update", "shift")


def downgrade() -> None:
    op.execute("""
drop index idempotency_key_of_terminal;
delete from sign_in where kind = 'merchant';
alter table sign_in drop constraint sign_in_kind_check,
  add constraint sign_in_kind_check check (kind in ('member', 'clerk', 'staff'));
alter table voucher drop column last_step;
alter table acceptance drop column source, drop column shift_id;
alter table terms drop column direct_accept, drop column typed_limit_fen, drop column manager_void_window_s;
alter table clerk add column is_manager boolean not null default false;
update clerk set is_manager = true where role = 'manager';
alter table clerk drop column role;
drop table shift, till_attempt, terminal_nonce, terminal_key;
alter table terminal drop column frozen_at, drop column kind;
""")
