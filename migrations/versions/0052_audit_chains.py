"""The audit log's chains: each row has a number and a digest over the row before it, actor by actor."""

from alembic import op

from migrations.rights import grant

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create function audit_content(audit_id bigint, chain text, actor text, action text, subject text, facts jsonb,
                              request_id text, at timestamptz) returns bytea
  language sql immutable parallel safe
  return sha256(convert_to(jsonb_build_array(audit_id::text, chain, actor, action, subject, facts, request_id,
                                             (extract(epoch from at) * 1000000)::bigint::text)::text, 'UTF8'));
create table audit_head (
  chain text primary key, no bigint not null check (no > 0), digest bytea not null check (octet_length(digest) = 32));
alter table audit add column chain text, add column no bigint, add column request_id text, add column digest bytea;
""")
    # Rows from before are chained in their order, so that from here on there is one rule for all.
    op.execute("""
do $$
declare
  one record; head bytea; number bigint; last text;
begin
  for one in select * from audit order by actor, audit_id loop
    if last is distinct from one.actor then head := ''; number := 0; last := one.actor; end if;
    number := number + 1;
    head := sha256(head || audit_content(one.audit_id, one.actor, one.actor, one.action, one.subject, one.facts, '', one.at));
    update audit set chain = one.actor, no = number, request_id = '', digest = head where audit_id = one.audit_id;
    insert into audit_head values (one.actor, number, head)
      on conflict (chain) do update set no = excluded.no, digest = excluded.digest;
  end loop;
end $$;
""")
    op.execute("""
alter table audit
  alter column chain set not null, alter column no set not null, alter column request_id set not null,
  alter column digest set not null,
  add constraint audit_no_check check (no > 0), add constraint audit_digest_check check (octet_length(digest) = 32);
create unique index audit_chain on audit (chain, no);
create index on audit (action, audit_id);
create index on audit (request_id) where request_id <> '';
""")
    grant("select, insert", "audit_head")
    grant("update (no, digest)", "audit_head")


def downgrade() -> None:
    op.execute("""
alter table audit drop column chain, drop column no, drop column request_id, drop column digest;
drop table audit_head;
drop function audit_content;
""")
