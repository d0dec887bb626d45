"""What of a voucher was money, when it was handed back; vouchers that lapsed; expected breakage; what Stripe kept of payments."""

from alembic import op

from migrations.rights import grant

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
alter table voucher
  add column cash_fen bigint not null default 0,
  add column cancelled_at timestamptz,
  add constraint voucher_cash check (cash_fen between 0 and booked_fen);
update voucher v set cancelled_at = coalesce(
    (select min(s.at) from redemption_step s where s.member_id = v.member_id and s.redemption_id = v.redemption_id
       and s.state in ('cancelled', 'reversed', 'failed')),
    (select min(d.decided_at) from dispute d where d.member_id = v.member_id and d.voucher_id = v.voucher_id
       and d.verdict = 'member'),
    v.issued_at)
  where v.state = 'cancelled';
create index voucher_last_day on voucher (last_day);

create table voucher_lapse (
  member_id bigint not null, voucher_id bigint not null,
  units bigint not null check (units > 0), booked_fen bigint not null check (booked_fen >= 0),
  cash_fen bigint not null check (cash_fen between 0 and booked_fen),
  lapsed_at timestamptz not null, last_day date not null,
  primary key (member_id, voucher_id));
create index on voucher_lapse (last_day);
create index on voucher_lapse (lapsed_at);

create table card_proceeds (
  member_id bigint not null, redemption_id bigint not null,
  amount_fen bigint not null, fee_fen bigint not null, available_at timestamptz not null, recorded_at timestamptz not null,
  currency text not null, transaction text not null,
  primary key (member_id, redemption_id));

create table breakage_estimate (
  programme_id bigint not null, estimate_no int not null check (estimate_no > 0), issued text not null, lot_class smallint not null,
  points bigint not null check (points >= 0), expected_points bigint not null check (expected_points between 0 and points),
  value_fen bigint not null check (value_fen >= 0), breakage_fen bigint not null check (breakage_fen between 0 and value_fen),
  primary key (programme_id, estimate_no, issued, lot_class));

create table breakage_run (
  programme_id bigint not null, estimate_no int not null check (estimate_no > 0), on_day date not null,
  taken_at timestamptz not null, cause text not null check (cause in ('time', 'policy')), figures_run_id bigint not null,
  changes jsonb not null, primary key (programme_id, estimate_no), unique (programme_id, figures_run_id, cause));
""")
    grant("select, insert", "voucher_lapse", "card_proceeds", "breakage_estimate", "breakage_run")


def downgrade() -> None:
    op.execute("""
drop table card_proceeds, breakage_run, breakage_estimate, voucher_lapse;
drop index voucher_last_day;
alter table voucher drop constraint voucher_cash, drop column cancelled_at, drop column cash_fen;
""")
