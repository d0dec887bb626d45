"""Webhooks of a merchant beside those of a programme; what was done at the terminals for trying things out."""

from alembic import op

from migrations.rights import grant

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
alter table webhook_endpoint alter column programme_id drop not null, add column merchant_id bigint,
  add constraint webhook_endpoint_owner check ((programme_id is null) <> (merchant_id is null));
alter table webhook_event alter column programme_id drop not null, add column merchant_id bigint,
  add constraint webhook_event_owner check ((programme_id is null) <> (merchant_id is null));
create index webhook_event_merchant on webhook_event (merchant_id, event_id) where merchant_id is not null;

create table sandbox_use (
  terminal_id bigint not null, use_id bigint not null, case_no int not null, units bigint not null check (units > 0),
  at timestamptz not null, undone_at timestamptz, primary key (terminal_id, use_id));
""")
    grant("select, insert, delete", "sandbox_use")
    grant("update (undone_at)", "sandbox_use")


def downgrade() -> None:
    op.execute("""
drop table sandbox_use;
drop index webhook_event_merchant;
delete from webhook_try where endpoint_id in (select endpoint_id from webhook_endpoint where merchant_id is not null);
delete from webhook_delivery where endpoint_id in (select endpoint_id from webhook_endpoint where merchant_id is not null);
delete from webhook_replay where endpoint_id in (select endpoint_id from webhook_endpoint where merchant_id is not null);
delete from webhook_event where merchant_id is not null;
delete from webhook_endpoint where merchant_id is not null;
alter table webhook_event drop constraint webhook_event_owner, drop column merchant_id, alter column programme_id set not null;
alter table webhook_endpoint drop constraint webhook_endpoint_owner, drop column merchant_id,
  alter column programme_id set not null;
""")
