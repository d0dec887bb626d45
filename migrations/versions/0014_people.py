"""What every rule asks about members in one row each, where they live, and a vault with a key for each of them."""

from alembic import op

from migrations.rights import grant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table area (
  code text primary key check (code ~ '^([0-9]{2}){1,3}$'), names jsonb not null);

create table member_facts (
  member_id bigint primary key, programme_id bigint not null,
  arpu_fen bigint check (arpu_fen >= 0),
  joined_on date not null, tiers_until date,
  risk smallint check (risk between 0 and 4),
  kind text not null default 'person' check (kind in ('person', 'group')),
  area text not null default '' check (area ~ '^([0-9]{2}){0,3}$'),
  birthday text check (birthday ~ '^[0-9]{2}-[0-9]{2}$'),
  tiers text[] not null default '{}', interests text[] not null default '{}');
create index on member_facts (area text_pattern_ops, member_id);
insert into member_facts (member_id, programme_id, joined_on, kind, birthday, tiers)
  select m.member_id, m.programme_id, m.joined_on,
    case when exists (select from group_profile g where g.member_id = m.member_id) then 'group' else 'person' end,
    (select a.value from member_attribute a where a.member_id = m.member_id and a.name = 'birthday'),
    coalesce((select array[a.value] from member_attribute a where a.member_id = m.member_id and a.name = 'tier'
      order by a.from_day desc limit 1), '{}')
  from member m;

alter table member_attribute
  add column told_at timestamptz not null default now(),
  add column source text not null default 'import',
  add column reason text,
  drop constraint if exists member_attribute_name_check;

create table vault_key (
  member_id bigint primary key, made_at timestamptz not null, shredded_at timestamptz, wrapped bytea,
  check ((wrapped is null) = (shredded_at is not null)));

create table vault_item (
  member_id bigint not null, name text not null, since timestamptz not null, until timestamptz,
  sealed bytea not null, source text not null,
  primary key (member_id, name, since), check (until >= since));
create unique index vault_item_now on vault_item (member_id, name) where until is null;

alter table phone add column keyed boolean not null default false;
alter table staff add column area text not null default '' check (area ~ '^([0-9]{2}){0,3}$');
alter table api_key add column area text not null default '' check (area ~ '^([0-9]{2}){0,3}$');
""")
    grant("select, insert, update", "area", "member_facts")
    grant("select, insert", "vault_key", "vault_item")
    grant("update (wrapped, shredded_at)", "vault_key")
    grant("update (until)", "vault_item")


def downgrade() -> None:
    op.execute("""
alter table api_key drop column area;
alter table staff drop column area;
alter table phone drop column keyed;
drop table vault_item, vault_key;
delete from member_attribute where name not in ('tier', 'birthday');
alter table member_attribute drop column reason, drop column source, drop column told_at;
drop table member_facts, area;
""")
