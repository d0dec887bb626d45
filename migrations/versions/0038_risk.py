"""Alerts of what looks wrong at tills, and what a person found."""

from alembic import op

from migrations.rights import grant

revision = "0038"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table till_alert (
  alert_id bigint primary key, merchant_id bigint not null, rule text not null, subject text not null, on_day date not null,
  outlet_id bigint, terminal_id bigint, clerk_id bigint, facts jsonb not null,
  raised_at timestamptz not null, latest_at timestamptz not null,
  state text not null default 'open' check (state in ('open', 'closed')),
  outcome text check (outcome in ('harmless', 'watched', 'fraud')), note text, closed_by bigint, closed_at timestamptz,
  unique (merchant_id, rule, subject, on_day),
  check ((state = 'closed') = (outcome is not null and note is not null and closed_by is not null and closed_at is not null)));
create index on till_alert (state, alert_id);
create index on till_attempt (at) where problem = 'voucher-unknown';
create index on void (terminal_id, recorded_at);
""")
    grant("select, insert", "till_alert")
    grant("update (facts, latest_at, state, outcome, note, closed_by, closed_at)", "till_alert")


def downgrade() -> None:
    op.execute("""
drop index void_terminal_id_recorded_at_idx;
drop index till_attempt_at_idx;
drop table till_alert;
""")
