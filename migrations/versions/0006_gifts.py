"""Gifts between members."""

from alembic import op

from migrations.rights import grant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table gift (
  member_id bigint not null, gift_id bigint not null, receiver_id bigint not null,
  points bigint not null check (points > 0),
  hold_seq bigint not null, sent_seq bigint, end_seq bigint,
  at timestamptz not null, send_at timestamptz not null, changed_at timestamptz not null,
  state text not null check (state in ('waiting', 'undone', 'sent', 'received', 'returned')),
  giver_masked text not null, receiver_masked text not null, reason text,
  primary key (member_id, gift_id),
  check (member_id <> receiver_id), check (send_at >= at),
  check ((end_seq is null) = (state in ('waiting', 'sent'))),
  check (case state when 'returned' then true else (sent_seq is not null) = (state in ('sent', 'received')) end));
create index on gift (member_id, at);
create index on gift (receiver_id, gift_id) where state = 'received';
""")
    grant("select, insert, update", "gift")


def downgrade() -> None:
    op.execute("drop table gift")
