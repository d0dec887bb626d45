"""Events: a waiting list in order, seats that are offered, who came; perks are no events any more."""

from alembic import op

from migrations.rights import grant

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table event_places (
  offer_id bigint primary key, taken int not null check (taken >= 0), line_no int not null check (line_no >= 0));
alter table seat drop constraint seat_state_check;
drop index seat_once;
alter table seat add column changed_at timestamptz, add column offered_until timestamptz, add column line_no int;
update seat set changed_at = at;
alter table seat alter column changed_at set not null,
  add check (state in ('waiting', 'offered', 'taken', 'attended', 'missed', 'given_back')),
  add check ((state = 'offered') = (offered_until is not null));
create unique index seat_once on seat (member_id, offer_id, coalesce(spender_id, member_id))
  where state in ('waiting', 'offered', 'taken', 'attended');
create index seat_line on seat (offer_id, line_no) where state = 'waiting';
update offer set kind = 'event', form = jsonb_build_object('capacity', coalesce(
  (select total from stock s where s.offer_id = offer.offer_id), 100000)) where kind = 'perk' and event_at is not null;
update offer_state s set kind = 'event' from offer o where o.offer_id = s.offer_id and o.kind = 'event';
update redemption r set kind = 'event' from offer o where o.version_id = r.version_id and o.kind = 'event';
delete from stock where offer_id in (select offer_id from offer where kind = 'event');
insert into event_places select offer_id, count(*) filter (where state = 'taken'), 0 from seat group by offer_id;
""")
    grant("select, insert, update", "event_places")


def downgrade() -> None:
    op.execute("""
drop index seat_once, seat_line;
delete from seat where state in ('waiting', 'offered');
update seat set state = 'taken' where state in ('attended', 'missed');
alter table seat drop column changed_at, drop column offered_until, drop column line_no;
create unique index seat_once on seat (member_id, offer_id, coalesce(spender_id, member_id)) where state = 'taken';
drop table event_places;
""")
