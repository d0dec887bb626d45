"""One holder for each phone number, birthdays that can be forgotten, preferences with consent, companions, the view log."""

from alembic import op

from migrations.rights import grant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table phone_holder (
  programme_id bigint not null, digest bytea not null, member_id bigint, since timestamptz not null,
  primary key (programme_id, digest));
create index on phone_holder (member_id);
update phone p set until = q.since from phone q
  where q.member_id = p.member_id and q.until is null and p.until is null and q.since > p.since;
insert into phone_holder (programme_id, digest, member_id, since)
  select distinct on (m.programme_id, p.digest) m.programme_id, p.digest, p.member_id, p.since
  from phone p join member m on m.member_id = p.member_id where p.until is null
  order by m.programme_id, p.digest, (m.left_on is null) desc, p.since desc, p.member_id desc;
update phone p set until = greatest(p.since, h.since) from member m, phone_holder h
  where m.member_id = p.member_id and h.programme_id = m.programme_id and h.digest = p.digest
  and p.until is null and (h.member_id, h.since) <> (p.member_id, p.since);

drop index member_attribute_birthday;
delete from member_attribute where name = 'birthday';
create index on member_facts (birthday, member_id) where birthday is not null;

create table preference (
  member_id bigint not null, entry_id bigint not null, since timestamptz not null, at timestamptz not null,
  consent boolean not null, name text not null, channel text not null, sealed bytea not null,
  primary key (member_id, entry_id));

create table companion_link (
  member_id bigint not null, link_id bigint not null, companion_id bigint not null,
  invited_at timestamptz not null, ends_at timestamptz not null, confirmed_at timestamptz, ended_at timestamptz,
  outcome text check (outcome in ('declined', 'withdrawn', 'ended')),
  primary key (member_id, link_id), check (member_id <> companion_id), check (ends_at > invited_at),
  check ((ended_at is null) = (outcome is null)), check ((outcome = 'ended') <= (confirmed_at is not null)),
  check ((outcome in ('declined', 'withdrawn')) <= (confirmed_at is null)));
create index on companion_link (companion_id);

create index on audit (actor, action, at);
""")
    grant("select, insert, update", "phone_holder")
    grant("select, insert", "preference", "companion_link")
    grant("update (confirmed_at, ended_at, outcome)", "companion_link")


def downgrade() -> None:
    op.execute("""
drop index audit_actor_action_at_idx;
drop table companion_link, preference, phone_holder;
insert into member_attribute (member_id, name, from_day, value)
  select member_id, 'birthday', joined_on, birthday from member_facts where birthday is not null;
drop index member_facts_birthday_member_id_idx;
create index member_attribute_birthday on member_attribute (value, member_id) where name = 'birthday';
""")
