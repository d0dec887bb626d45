"""Campaigns that merchants propose, and which draft of an offer was made of one; the request behind a try that a till was refused."""

from alembic import op

from migrations.rights import grant

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A draft is made of what was handed in alone; what is withdrawn stays as it is.
    op.execute("""
create table campaign (
  campaign_id bigint primary key, merchant_id bigint not null, outlet_id bigint, programme_id bigint not null,
  made_by bigint not null, handed_in_by bigint, taken_by bigint, draft_id bigint unique, wished_points bigint check (wished_points > 0),
  made_at timestamptz not null, changed_at timestamptz not null, handed_in_at timestamptz, withdrawn_at timestamptz,
  revision integer not null check (revision > 0),
  kind text not null check (kind in ('voucher', 'member_day', 'birthday', 'holiday')),
  refusal text, content jsonb not null,
  check ((handed_in_at is null) = (handed_in_by is null) and (draft_id is null) = (taken_by is null)),
  check (draft_id is null or handed_in_at is not null));
create index on campaign (merchant_id, campaign_id);
create index campaign_handed_in on campaign (campaign_id) where handed_in_at is not null and withdrawn_at is null;
alter table offer_draft add column campaign_id bigint;
create index voucher_offer on voucher (offer_id);
alter table till_attempt add column request_id text;
""")
    grant("select, insert, update", "campaign")


def downgrade() -> None:
    op.execute("""
alter table till_attempt drop column request_id;
drop index voucher_offer;
alter table offer_draft drop column campaign_id;
drop table campaign;
""")
