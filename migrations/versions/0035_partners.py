"""Merchants join in stages; outlets with area and hours; people without an outlet; terms by two persons, confirmed by the owner."""

from alembic import op

from migrations.rights import grant

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
alter table merchant drop constraint merchant_state_check,
  add constraint merchant_state_check check (state in ('invited', 'documents', 'reviewed', 'equipped', 'tried', 'active',
    'suspended', 'leaving', 'closed')),
  add column area text not null default '' check (area ~ '^([0-9]{2}){0,3}$');

create table merchant_step (
  merchant_id bigint not null, step_no int not null check (step_no > 0), at timestamptz not null, until_at timestamptz,
  staff_id bigint, documents_no int, stage text not null, actor text not null,
  owner text not null check (owner in ('', 'merchant', 'operator')), note text not null, approval text,
  primary key (merchant_id, step_no));

create table merchant_documents (
  merchant_id bigint not null, documents_no int not null check (documents_no > 0), at timestamptz not null,
  actor text not null, licence_number text not null, legal_name text not null, tax_number text not null,
  invoice_regime text not null check (invoice_regime in ('', 'prepaid_ordinary', 'fee_special', 'none')),
  payout_route text not null check (payout_route in ('', 'bank', 'stripe')), has_contact boolean not null, sealed bytea not null,
  primary key (merchant_id, documents_no));

alter table outlet add column area text not null default '' check (area ~ '^([0-9]{2}){0,3}$'),
  add column hours jsonb not null default '[]';

update clerk set number = clerk.number || '-' || twin.n
  from (select clerk_id, row_number() over (partition by merchant_id, number order by clerk_id) n from clerk) twin
  where twin.clerk_id = clerk.clerk_id and twin.n > 1;
alter table clerk drop constraint clerk_outlet_id_number_key, add unique (merchant_id, number),
  alter column outlet_id drop not null,
  add constraint clerk_place check (outlet_id is not null or role in ('finance', 'owner'));
create index on clerk (outlet_id);

create table invitation (
  invitation_id bigint primary key, merchant_id bigint not null, outlet_id bigint, clerk_id bigint,
  made_at timestamptz not null, ends_at timestamptz not null, used_at timestamptz, withdrawn_at timestamptz,
  number text not null, role text not null check (role in ('clerk', 'manager', 'finance', 'owner')), made_by text not null,
  token_digest bytea not null unique);
create index on invitation (merchant_id, invitation_id);

alter table terms add column approval text;
create table terms_confirmation (
  terms_id bigint primary key, merchant_id bigint not null, clerk_id bigint, at timestamptz not null);
insert into terms_confirmation select terms_id, merchant_id, null, now() from terms;
""")
    grant("select, insert", "merchant_step", "merchant_documents", "terms_confirmation", "invitation")
    grant("update (used_at, withdrawn_at)", "invitation")


def downgrade() -> None:
    op.execute("""
drop table terms_confirmation, invitation, merchant_documents, merchant_step;
alter table terms drop column approval;
alter table clerk drop constraint clerk_place, drop constraint clerk_merchant_id_number_key;
drop index clerk_outlet_id_idx;
delete from clerk where outlet_id is null;
alter table clerk alter column outlet_id set not null, add unique (outlet_id, number);
alter table outlet drop column hours, drop column area;
alter table merchant drop column area, drop constraint merchant_state_check;
update merchant set state = 'suspended' where state not in ('active', 'suspended', 'closed');
alter table merchant add constraint merchant_state_check check (state in ('active', 'suspended', 'closed'));
""")
