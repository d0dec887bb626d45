"""Extensions of last days, walks through wallets, and the index by which the sweep finds who is due."""

from alembic import op

from migrations.rights import grant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table extension (
  extension_id bigint primary key, programme_id bigint not null,
  entered_at timestamptz not null, announced_at timestamptz not null check (announced_at >= entered_at + interval '5 minutes'),
  from_day date not null, until_day date not null check (until_day >= from_day), last_day date not null,
  lot_class smallint not null check (lot_class >= 0),
  announced_by text not null, approval text, reason text not null,
  check (last_day < '2149-06-06' and (last_day > until_day or (from_day = '2149-06-06' and until_day = '2149-06-06'))));

create table expiry_run (
  programme_id bigint not null, last_member bigint not null, members bigint not null, points bigint not null,
  refused bigint not null default 0, began_at timestamptz not null, ended_at timestamptz,
  task text not null check (task in ('sweep', 'restore')), subject text not null,
  primary key (programme_id, task, subject));

create index wallet_first_lot on wallet ((lot_key[1]), member_id);
""")
    grant("select, insert", "extension")
    grant("select, insert, update", "expiry_run")


def downgrade() -> None:
    op.execute("drop index wallet_first_lot; drop table expiry_run, extension")
