"""Groups with contacts, spenders and what these spent; what a spender redeems for a group names him or her."""

from alembic import op

from migrations.rights import grant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table group_profile (
  member_id bigint primary key, programme_id bigint not null, since timestamptz not null,
  group_class text not null check (group_class in ('top', 'a', 'b', 'c')), name text not null);
create index on group_profile (programme_id, member_id);

create table group_contact (
  member_id bigint not null, contact_id bigint not null, entry_id bigint not null,
  since timestamptz not null, until timestamptz,
  rank text not null check (rank in ('senior', 'middle', 'ordinary')),
  primary key (member_id, contact_id, entry_id),
  check (member_id <> contact_id), check (until >= since));
create unique index group_contact_now on group_contact (member_id, contact_id) where until is null;
create index on group_contact (contact_id) where until is null;

create table spender (
  member_id bigint not null, spender_id bigint not null, entry_id bigint not null,
  cap_points bigint not null check (cap_points >= 0),
  since timestamptz not null, until timestamptz,
  primary key (member_id, spender_id, entry_id),
  check (member_id <> spender_id), check (until >= since));
create unique index spender_now on spender (member_id, spender_id) where until is null;
create index on spender (spender_id) where until is null;

create table spent (
  member_id bigint not null, spender_id bigint not null, points bigint not null check (points >= 0),
  month date not null check (month = date_trunc('month', month::timestamp)::date),
  primary key (member_id, spender_id, month));

alter table quote add column spender_id bigint;
alter table redemption add column spender_id bigint;
alter table voucher add column spender_id bigint;
alter table seat add column spender_id bigint;
drop index seat_once;
create unique index seat_once on seat (member_id, offer_id, coalesce(spender_id, member_id)) where state = 'taken';
""")
    grant("select, insert, update", "group_profile", "spent")
    grant("select, insert", "group_contact", "spender")
    grant("update (until)", "group_contact", "spender")


def downgrade() -> None:
    op.execute("""
drop index seat_once;
alter table seat drop column spender_id;
create unique index seat_once on seat (member_id, offer_id) where state = 'taken';
alter table voucher drop column spender_id;
alter table redemption drop column spender_id;
alter table quote drop column spender_id;
drop table spent, spender, group_contact, group_profile;
""")
