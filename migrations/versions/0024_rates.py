"""Rates for whom and until when, overlapping in no day; earn rules by two persons."""

from alembic import op

from migrations.rights import grant

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create extension if not exists btree_gist;

alter table rate
  add column until_day date,
  add column tier text check (tier ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$'),
  add column area text not null default '' check (area ~ '^([0-9]{2}){0,3}$'),
  add column approval text,
  drop constraint rate_programme_id_offer_id_kind_from_day_key;
update rate r set until_day = (
  select min(n.from_day) - 1 from rate n where n.programme_id = r.programme_id and n.from_day > r.from_day
  and n.offer_id is not distinct from r.offer_id and n.kind is not distinct from r.kind);
alter table rate
  add constraint rate_window check (until_day >= from_day - 1),
  add constraint rate_overlaps exclude using gist (
    programme_id with =, coalesce(offer_id, 0) with =, coalesce(kind, '') with =, coalesce(tier, '') with =,
    area with =, daterange(from_day, until_day + 1) with &&);
create index on rate (programme_id, offer_id, kind);

alter table earn_rule add column approval text;
""")
    grant("update (until_day)", "rate")


def downgrade() -> None:
    op.execute("""
alter table earn_rule drop column approval;
revoke update (until_day) on rate from jifen_app;
drop index rate_programme_id_offer_id_kind_idx;
alter table rate drop constraint rate_overlaps, drop constraint rate_window;
delete from rate where tier is not null or area <> '' or until_day < from_day;
alter table rate drop column until_day, drop column tier, drop column area, drop column approval,
  add unique nulls not distinct (programme_id, offer_id, kind, from_day);
drop extension btree_gist;
""")
