"""Ladders of tiers, each member's changes with their reason, tiers granted by two persons; who cares for whom."""

from alembic import op

from migrations.rights import grant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table tier_policy (
  policy_id bigint primary key, programme_id bigint not null, entered_at timestamptz not null, from_day date not null,
  window_months int check (window_months between 1 and 120), hold_months int not null check (hold_months between 1 and 120),
  grace_months int not null check (grace_months between 0 and 120),
  grace_days int not null check (grace_days between 0 and 366),
  most_down int not null check (most_down >= 1), lot_classes int[] not null check (cardinality(lot_classes) > 0),
  steps jsonb not null check (jsonb_array_length(steps) > 0), ladder text not null, reason text not null, approval text,
  unique (programme_id, ladder, from_day));

create table tier_change (
  member_id bigint not null, policy_id bigint not null, earned bigint not null, at timestamptz not null,
  from_day date not null, window_first date not null, holds_until date not null,
  grace_until date not null, rank smallint not null check (rank >= 0), ladder text not null, tier text,
  before text, reason text not null check (reason in ('reached', 'kept', 'fell')),
  primary key (member_id, ladder, from_day),
  check ((tier is null) = (rank = 0) and from_day <= holds_until and holds_until <= grace_until and window_first <= from_day));

create table tier_grant (
  member_id bigint not null, grant_id bigint not null, granted_at timestamptz not null,
  from_day date not null, until_day date not null, ladder text not null, tier text not null, reason text not null,
  approval text not null,
  primary key (member_id, grant_id), check (from_day <= until_day));

create table tier_revocation (
  member_id bigint not null, grant_id bigint not null, revoked_at timestamptz not null, from_day date not null,
  reason text not null, approval text not null,
  primary key (member_id, grant_id));

create table tier_run (
  programme_id bigint not null, day date not null, last_member bigint not null, members bigint not null,
  changes bigint not null, began_at timestamptz not null, ended_at timestamptz, primary key (programme_id, day));

create table care_rule (
  rule_id bigint primary key, programme_id bigint not null, entered_at timestamptz not null, from_day date not null,
  tier text not null, department text not null, names jsonb not null, entered_by text not null,
  unique (programme_id, tier, from_day));

create table care_assignment (
  member_id bigint not null, assignment_id bigint not null, staff_id bigint, at timestamptz not null,
  from_day date not null, reason text not null, assigned_by text not null,
  primary key (member_id, assignment_id));
""")
    grant(
        "select, insert",
        "tier_policy", "tier_change", "tier_grant", "tier_revocation", "care_rule", "care_assignment",
    )  # fmt: skip
    grant("select, insert, update", "tier_run")


def downgrade() -> None:
    op.execute("""
drop table care_assignment, care_rule, tier_run, tier_revocation, tier_grant, tier_change, tier_policy;
""")
