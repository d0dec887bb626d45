"""What a dispute holds and which side opened it; tax invoices of statements."""

from alembic import op

from migrations.rights import grant

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
alter table dispute
  add column side text not null default 'member' check (side in ('member', 'merchant')),
  add column said text not null default '',
  add column held boolean not null default false;
alter table dispute alter column side drop default, alter column said drop default, alter column held drop default;
create index on dispute (merchant_id, dispute_id);
create index merchant_item_about on merchant_item (merchant_id, member_id, about_id) where about_id <> 0;

create table tax_invoice (
  merchant_id bigint not null, invoice_id bigint not null, statement_no int not null,
  amount_fen bigint not null check (amount_fen >= 0), tax_fen bigint not null check (tax_fen >= 0),
  total_fen bigint not null check (total_fen > 0 and total_fen = amount_fen + tax_fen),
  tax_bp int not null check (tax_bp between 0 and 10000), issued_on date not null,
  recorded_at timestamptz not null, rejected_at timestamptz,
  issuer text not null check (issuer in ('merchant', 'operator')),
  kind text not null check (kind in ('ordinary', 'special')),
  code text not null, number text not null,
  seller_name text not null, seller_tax_number text not null, buyer_name text not null, buyer_tax_number text not null,
  recorded_by text not null, rejected_by text, reason text, file_hash bytea check (octet_length(file_hash) = 32),
  primary key (merchant_id, invoice_id),
  check ((rejected_at is null) = (rejected_by is null) and (rejected_at is null) = (reason is null)));
create unique index tax_invoice_one on tax_invoice (merchant_id, statement_no, issuer) where rejected_at is null;
create unique index tax_invoice_number on tax_invoice (merchant_id, issuer, code, number) where rejected_at is null;
create index on tax_invoice (merchant_id, statement_no);
""")
    grant("select, insert", "tax_invoice")
    grant("update (rejected_at, rejected_by, reason)", "tax_invoice")


def downgrade() -> None:
    op.execute("""
drop table tax_invoice;
drop index merchant_item_about;
alter table dispute drop column held, drop column said, drop column side;
""")
