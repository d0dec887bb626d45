"""What points cost: figures taken of a period with their sums by area, target mixes and their alerts, reports of a period."""

from alembic import op

from migrations.rights import grant

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table figures_run (
  run_id bigint primary key, programme_id bigint not null,
  at timestamptz not null, from_day date not null, until_day date not null check (until_day >= from_day),
  topic text not null check (topic in ('liability', 'premium', 'mix', 'roll-up')), code_version text not null,
  content_hash bytea not null, facts jsonb not null,
  unique (programme_id, topic, from_day, until_day, content_hash));
create index on figures_run (programme_id, topic, until_day);

create table area_sum (
  run_id bigint not null, count bigint not null, points bigint not null, value_fen bigint not null, cost_fen bigint not null,
  area text not null, key text not null,
  primary key (run_id, area, key));

create table mix_target (
  programme_id bigint not null, from_day date not null, entered_at timestamptz not null,
  alert_bp integer not null check (alert_bp between 1 and 10000), shares jsonb not null, approval text not null unique,
  primary key (programme_id, from_day));

create table mix_alert (
  programme_id bigint not null, week_from date not null, at timestamptz not null, run_id bigint not null,
  share_bp integer not null, target_bp integer not null, heap text not null,
  primary key (programme_id, week_from, heap));

create table period_report (
  programme_id bigint not null, at timestamptz not null, from_day date not null, until_day date not null,
  period text not null check (period ~ '^[0-9]{4}-[0-9]{2}(-[123])?$'), code_version text not null,
  sha256 bytea not null, content text not null,
  primary key (programme_id, period));
""")
    grant("select, insert", "figures_run", "area_sum", "mix_target", "mix_alert", "period_report")


def downgrade() -> None:
    op.execute("drop table period_report, mix_alert, mix_target, area_sum, figures_run")
