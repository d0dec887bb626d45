"""What members brought with them on the first day, line by line, and the cost centre of those who spend for a group."""

from alembic import op

from migrations.rights import grant

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table opening_lot (
  member_id bigint not null, seq bigint not null, proposal_id bigint not null,
  points bigint not null check (points > 0), value_fen bigint check (value_fen >= 0),
  last_day date not null, earned_on date, lot_class smallint not null check (lot_class >= 0),
  key text not null, source text not null,
  primary key (member_id, key), unique (member_id, seq));
create index on opening_lot (proposal_id);

alter table spender add column cost_centre text;
""")
    grant("select, insert", "opening_lot")


def downgrade() -> None:
    op.execute("alter table spender drop column cost_centre; drop table opening_lot")
