"""Proposals with their decisions, and merges of members."""

from alembic import op

from migrations.rights import grant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Cold tables: the foreign key ties a decision to the very maker and content of its proposal.
    op.execute("""
create table proposal (
  proposal_id bigint primary key, member_id bigint not null, maker_id bigint not null,
  at timestamptz not null, ends_at timestamptz not null check (ends_at > at),
  kind text not null, content text not null,
  content_hash bytea not null,
  constraint proposal_content check (content_hash = sha256(convert_to(content, 'UTF8'))),
  unique (proposal_id, maker_id, content_hash));
create index on proposal (kind, proposal_id);
create index on proposal (member_id, proposal_id);
create index on proposal (maker_id, at);

create table decision (
  proposal_id bigint primary key, maker_id bigint not null, person_id bigint not null, at timestamptz not null,
  verdict text not null check (verdict in ('approved', 'rejected', 'withdrawn')),
  content_hash bytea not null, note text,
  constraint decision_two_persons check ((verdict = 'withdrawn') = (person_id = maker_id)),
  constraint decision_of_proposal foreign key (proposal_id, maker_id, content_hash) references proposal (proposal_id, maker_id, content_hash));

create table member_merge (
  member_id bigint primary key, merge_id bigint not null, survivor_id bigint not null,
  points bigint not null check (points >= 0), debt bigint not null check (debt >= 0),
  out_seq bigint, debt_out_seq bigint, landed_id bigint, in_seq bigint, debt_in_seq bigint,
  at timestamptz not null, arrived_at timestamptz,
  check (member_id <> survivor_id), check (member_id <> landed_id),
  check ((out_seq is not null) = (points > 0)), check ((debt_out_seq is not null) = (debt > 0)),
  check ((landed_id is null) = (arrived_at is null)),
  check ((in_seq is not null) = (points > 0 and arrived_at is not null)),
  check ((debt_in_seq is not null) = (debt > 0 and arrived_at is not null)));
create index on member_merge (survivor_id);
""")
    grant("select, insert", "proposal", "decision")
    grant("select, insert, update", "member_merge")


def downgrade() -> None:
    op.execute("drop table member_merge, decision, proposal")
