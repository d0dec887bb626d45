"""What members ask and complain of, by whom and until when it is dealt with; every contact with a member."""

from alembic import op

from migrations.rights import grant

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table ticket (
  member_id bigint not null, ticket_id bigint not null, owner_id bigint,
  opened_at timestamptz not null, changed_at timestamptz not null, due_at timestamptz, climbs_at timestamptz,
  answered_at timestamptz, tried_at timestamptz,
  steps int not null check (steps > 0), level int not null check (level between 0 and 4),
  tries int not null check (tries between 0 and 3), reopened boolean not null,
  stage text not null check (stage in ('received', 'assigned', 'in-work', 'answered', 'called-back', 'closed')),
  subject text not null, department text not null, department_names jsonb not null,
  channel text not null, opened_by text not null, about text,
  primary key (member_id, ticket_id),
  check (stage in ('received', 'closed') or owner_id is not null),
  check (stage <> 'received' or owner_id is null),
  check ((due_at is null) = (stage in ('called-back', 'closed'))),
  check (climbs_at is null or due_at is not null));
create unique index ticket_about on ticket (member_id, about) where about is not null and stage <> 'closed';
create index ticket_in_order on ticket (ticket_id);
create index ticket_open on ticket (ticket_id) where stage <> 'closed';
create index ticket_owned on ticket (owner_id, ticket_id) where stage <> 'closed';
create index ticket_climbs on ticket (climbs_at) where climbs_at is not null;
create index ticket_number on ticket ((ticket_id & 1099511627775));

create table ticket_step (
  member_id bigint not null, ticket_id bigint not null, no int not null check (no > 0),
  person_id bigint, owner_id bigint, contact_id bigint, at timestamptz not null, due_at timestamptz,
  level int not null, did text not null, stage text not null, actor text not null, channel text not null, words bytea,
  primary key (member_id, ticket_id, no));

create table ticket_rule (
  rule_id bigint primary key, programme_id bigint not null, entered_at timestamptz not null, from_day date not null,
  hours int not null check (hours between 1 and 720), in_working_hours boolean not null, by_card boolean not null,
  subject text not null, department text not null, names jsonb not null, entered_by text not null,
  unique (programme_id, subject, from_day));

create table contact (
  member_id bigint not null, contact_id bigint not null, ticket_id bigint, at timestamptz not null, next_on date,
  channel text not null, direction text not null check (direction in ('in', 'out')),
  purpose text not null, result text not null, actor text not null, about text, words bytea, next_step bytea,
  primary key (member_id, contact_id));
create index contact_of_ticket on contact (member_id, ticket_id) where ticket_id is not null;
""")
    grant("select, insert", "ticket", "ticket_step", "ticket_rule", "contact")
    grant(
        "update (owner_id, changed_at, due_at, climbs_at, answered_at, tried_at, steps, level, tries, reopened, stage)",
        "ticket",
    )


def downgrade() -> None:
    op.execute("drop table contact, ticket_rule, ticket_step, ticket;")
