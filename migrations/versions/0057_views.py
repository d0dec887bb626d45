"""Views of lists that people save and share; indexes by which every list of the console is short over a million members."""

from alembic import op

from migrations.rights import grant
from migrations.walls import IN_AREA, wall

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table saved_view (
  view_id bigint primary key, staff_id bigint not null, made_at timestamptz not null, shared_at timestamptz, archived_at timestamptz,
  place text not null, query text not null, name text not null check (name <> ''));
create index saved_view_own on saved_view (place, staff_id) where archived_at is null;
create index saved_view_shared on saved_view (place) where archived_at is null and shared_at is not null;

create table visit_standing (
  member_id bigint primary key, programme_id bigint not null, staff_id bigint, taken_at timestamptz not null, last_on date, due_on date,
  area text not null, class text not null, department text not null);
create index visit_standing_due on visit_standing (programme_id, due_on, member_id) where due_on is not null;

-- because nothing is released yet, so nobody writes contacts or messages meanwhile
-- squawk-ignore require-concurrent-index-creation
create index contact_visited on contact (member_id, contact_id) include (at) where purpose = 'visit' and result = 'reached';
-- because nothing is released yet, so nobody writes contacts or messages meanwhile
-- squawk-ignore require-concurrent-index-deletion
drop index contact_visit;

create table notice_count (
  day date not null, zone text not null, template text not null, state text not null, count bigint not null check (count >= 0),
  counted_at timestamptz not null, primary key (zone, day, template, state));
-- because nothing is released yet, so nobody writes contacts or messages meanwhile
-- squawk-ignore require-concurrent-index-creation
create index notice_at on notice using brin (at) with (pages_per_range = 32);
""")
    wall("visit_standing", staff=IN_AREA)
    grant("select, insert", "saved_view")
    grant("update (shared_at, archived_at)", "saved_view")
    grant("select, insert, update", "visit_standing", "notice_count")


def downgrade() -> None:
    op.execute("""
drop index notice_at;
drop table notice_count;
create index contact_visit on contact (member_id, contact_id) where purpose = 'visit' and result = 'reached';
drop index contact_visited;
drop table visit_standing;
drop table saved_view;
""")
