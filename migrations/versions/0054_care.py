"""Occasions of care and the tasks they open, the rhythm of visits, and services proved by log, survey and sampled check."""

from alembic import op

from migrations.rights import grant

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table care_occasion_rule (
  rule_id bigint primary key, programme_id bigint not null, entered_at timestamptz not null, from_day date not null,
  is_on boolean not null, days_ahead int not null check (days_ahead between 0 and 60),
  days int not null check (days between 0 and 120), in_working_days boolean not null,
  occasion text not null, tiers text[] not null, holidays text[] not null, entered_by text not null,
  unique (programme_id, occasion, from_day));

create table care_task (
  member_id bigint not null, task_id bigint not null, programme_id bigint not null, staff_id bigint, contact_id bigint,
  opened_at timestamptz not null, ended_at timestamptz, on_day date not null, due_on date not null,
  occasion text not null, period text not null, department text not null,
  state text not null check (state in ('open', 'done', 'not-reached', 'not-needed')),
  opened_by text not null, ended_by text, reason text,
  primary key (member_id, task_id),
  unique (member_id, occasion, period),
  check ((state = 'open') = (ended_at is null) and (ended_at is null) = (ended_by is null)),
  check (state <> 'not-needed' or reason is not null));
create index care_task_owned on care_task (staff_id, due_on, task_id) where state = 'open' and staff_id is not null;
create index care_task_led on care_task (department, due_on, task_id) where state = 'open';
create index care_task_open on care_task (due_on, task_id) where state = 'open';
create index care_task_ended on care_task (task_id) where state <> 'open';

create table care_walk (
  programme_id bigint not null, on_day date not null, last_member bigint not null, opened bigint not null,
  began_at timestamptz not null, changed_at timestamptz not null, ended_at timestamptz,
  primary key (programme_id, on_day));

create table visit_rule (
  rule_id bigint primary key, programme_id bigint not null, entered_at timestamptz not null, from_day date not null,
  months int not null check (months between 1 and 24), times int not null check (times between 1 and 8),
  class text not null, entered_by text not null,
  unique (programme_id, class, from_day));

create table proof_run (
  run_id bigint primary key, programme_id bigint not null, seed bigint not null, asked_at timestamptz not null,
  ended_at timestamptz, month date not null, size int not null check (size between 1 and 200),
  service text not null, area text not null, asked_by text not null, log jsonb, survey jsonb,
  check ((ended_at is null) = (log is null) and (log is null) = (survey is null)));
create index proof_run_of on proof_run (programme_id, run_id);

create table proof_sample (
  member_id bigint not null, run_id bigint not null, thing_id bigint not null, verified_by bigint,
  verified_at timestamptz, happened_at timestamptz not null, rated boolean not null,
  answer text check (answer in ('confirmed', 'not-confirmed', 'no-answer')), note bytea,
  primary key (member_id, run_id, thing_id),
  check ((answer is null) = (verified_at is null) and (answer is null) = (verified_by is null)));
create index proof_sample_of on proof_sample (run_id, member_id);

create index contact_visit on contact (member_id, contact_id) where purpose = 'visit' and result = 'reached';
""")
    grant("select, insert", "care_occasion_rule", "care_task", "care_walk", "visit_rule", "proof_run")
    grant("select, insert", "proof_sample")
    grant("update (staff_id, contact_id, ended_at, department, state, ended_by, reason)", "care_task")
    grant("update (last_member, opened, changed_at, ended_at)", "care_walk")
    grant("update (ended_at, log, survey)", "proof_run")
    grant("update (verified_by, verified_at, answer, note)", "proof_sample")


def downgrade() -> None:
    op.execute("drop index contact_visit;")
    op.execute("drop table proof_sample, proof_run, visit_rule, care_walk, care_task, care_occasion_rule;")
