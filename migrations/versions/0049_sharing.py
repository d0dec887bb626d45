"""Offers that members share: links, views, who took part."""

from alembic import op

from migrations.rights import grant

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table share_link (
  code text primary key check (code ~ '^[0-9A-Z]{12}$'), member_id bigint not null, offer_id bigint not null,
  made_at timestamptz not null);
create index on share_link (member_id, offer_id);
create index on share_link (offer_id);
create table share_view (
  code text not null, on_day date not null, visitor int not null check (visitor between 0 and 65535),
  primary key (code, on_day, visitor));
create table share_part (
  code text not null, person bytea not null check (octet_length(person) = 16), on_day date not null,
  first boolean not null, primary key (code, person));
""")
    grant("select, insert", "share_link", "share_view", "share_part")


def downgrade() -> None:
    op.execute("drop table share_part, share_view, share_link")
