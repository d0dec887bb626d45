"""Drafts of offers, pictures, who paused and who ended an offer, and proposals that take several checkers."""

from alembic import op

from migrations.rights import grant

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # To end for good takes another person than who paused: the database itself refuses the same one.
    op.execute("""
create table offer_draft (
  draft_id bigint primary key, programme_id bigint not null, maker_id bigint not null,
  offer_id bigint, from_version_id bigint, proposal_id bigint unique,
  made_at timestamptz not null, changed_at timestamptz not null, discarded_at timestamptz,
  revision integer not null check (revision > 0), kind text not null, code text not null, content jsonb not null);
create index on offer_draft (maker_id, draft_id);
create unique index on offer (proposal_id);

alter table offer_state add column paused_by bigint, add column ended_by bigint,
  add constraint offer_state_two_persons check (ended_by is null or state = 'ended' and paused_by is distinct from ended_by),
  add constraint offer_state_paused check (paused_by is null or state <> 'live');

create table picture (
  digest bytea primary key check (digest = sha256(content)), person_id bigint not null, at timestamptz not null,
  media_type text not null check (media_type in ('image/png', 'image/jpeg', 'image/webp')),
  content bytea not null check (length(content) between 1 and 524288));
alter table picture alter column content set storage external;

create table endorsement (
  proposal_id bigint not null, person_id bigint not null, maker_id bigint not null, at timestamptz not null,
  content_hash bytea not null, note text, primary key (proposal_id, person_id),
  constraint endorsement_not_the_maker check (person_id <> maker_id),
  constraint endorsement_of_proposal foreign key (proposal_id, maker_id, content_hash) references proposal (proposal_id, maker_id, content_hash));
""")
    grant("select, insert, update", "offer_draft")
    grant("select, insert", "picture", "endorsement")


def downgrade() -> None:
    """Versions that were approved stay; drafts, pictures and second checkers' approvals are lost."""
    op.execute("""
drop table endorsement, picture, offer_draft;
drop index offer_proposal_id_idx;
alter table offer_state drop constraint offer_state_two_persons, drop constraint offer_state_paused,
  drop column paused_by, drop column ended_by;
""")
