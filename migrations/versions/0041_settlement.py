"""Terms that say price by offer, fee with cap, funding, cycle and reserve; items of merchants; what a statement carries."""

from alembic import op

from migrations.rights import grant

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
alter table terms
  add column prices jsonb not null default '{}',
  add column fee_fixed_fen bigint not null default 0 check (fee_fixed_fen >= 0),
  add column fee_cap_fen bigint check (fee_cap_fen >= 0),
  add column merchant_bp int not null default 0 check (merchant_bp between 0 and 10000),
  add column brand_bp int not null default 0 check (brand_bp between 0 and 10000),
  add column brand text not null default '',
  add column cycle text not null default 'monthly' check (cycle in ('daily', 'weekly', 'monthly')),
  add column cutoff_minute int not null default 0 check (cutoff_minute between 0 and 1439),
  add column draft_days int not null default 2 check (draft_days between 0 and 30),
  add column pay_days int not null default 2 check (pay_days between 0 and 90),
  add column reserve_bp int not null default 0 check (reserve_bp between 0 and 10000),
  add column reserve_days int not null default 0 check (reserve_days between 0 and 400),
  add column minimum_fen bigint not null default 0 check (minimum_fen >= 0),
  add column issuing_fen bigint not null default 0 check (issuing_fen >= 0),
  add column issuing_rule text not null default 'postpaid' check (issuing_rule in ('postpaid', 'warn', 'stop')),
  add constraint terms_funding check (merchant_bp + brand_bp <= 10000 and (brand_bp = 0 or brand <> '')),
  add constraint terms_order check (pay_days >= draft_days),
  add constraint terms_reserve check ((reserve_bp = 0) = (reserve_days = 0));

alter table acceptance
  add column brand_fen bigint not null default 0 check (brand_fen between 0 and owed_fen);

create table merchant_item (
  merchant_id bigint not null, item_id bigint not null, member_id bigint not null default 0, about_id bigint not null default 0,
  owed_fen bigint not null, fee_fen bigint not null default 0, vat_fen bigint not null default 0, brand_fen bigint not null default 0,
  recorded_at timestamptz not null,
  kind text not null check (kind in ('adjustment', 'clawback', 'dispute-held', 'dispute-released', 'reserve-in', 'reserve-out')),
  reason text not null, actor text not null, approval text,
  primary key (merchant_id, item_id));
create unique index merchant_item_once on merchant_item (merchant_id, kind, member_id, about_id)
  where kind in ('clawback', 'dispute-held', 'dispute-released', 'reserve-in');
create index on merchant_item (merchant_id, recorded_at);

alter table statement_line drop constraint statement_line_kind_check,
  add constraint statement_line_kind_check check (kind in ('acceptance', 'void', 'earning', 'earning-reversal', 'adjustment',
    'clawback', 'dispute-held', 'dispute-released', 'reserve-in', 'reserve-out', 'carried-in'));

alter table statement
  add column form smallint not null default 1,
  add column opening_fen bigint not null default 0,
  add column payable_fen bigint not null default 0 check (payable_fen >= 0),
  add column carried_fen bigint not null default 0,
  add column reserve_fen bigint not null default 0 check (reserve_fen >= 0),
  add column due_day date,
  add column sums jsonb not null default '{}',
  add column terms jsonb not null default '[]';
update statement set payable_fen = greatest(net_fen, 0), carried_fen = least(net_fen, 0);
alter table statement add constraint statement_rest check (payable_fen + carried_fen = net_fen and (payable_fen = 0 or carried_fen = 0));
""")
    grant("select, insert", "merchant_item")


def downgrade() -> None:
    op.execute("""
alter table statement drop constraint statement_rest, drop column terms, drop column sums, drop column due_day,
  drop column reserve_fen, drop column carried_fen, drop column payable_fen, drop column opening_fen, drop column form;
delete from statement_line where kind not in ('acceptance', 'void');
alter table statement_line drop constraint statement_line_kind_check,
  add constraint statement_line_kind_check check (kind in ('acceptance', 'void'));
drop table merchant_item;
alter table acceptance drop column brand_fen;
alter table terms drop constraint terms_reserve, drop constraint terms_order, drop constraint terms_funding,
  drop column issuing_rule, drop column issuing_fen, drop column minimum_fen, drop column reserve_days, drop column reserve_bp,
  drop column pay_days, drop column draft_days, drop column cutoff_minute, drop column cycle, drop column brand, drop column brand_bp,
  drop column merchant_bp, drop column fee_cap_fen, drop column fee_fixed_fen, drop column prices;
""")
