"""The cash part of a redemption: what is paid by card, where that stands, and which webhooks told about it."""

from alembic import op

from migrations.rights import grant

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table cash_part (
  member_id bigint not null, redemption_id bigint not null, amount_fen bigint not null check (amount_fen > 0),
  at timestamptz not null, ends_at timestamptz not null, changed_at timestamptz not null,
  busy_until timestamptz, paid_at timestamptz, gave_up_at timestamptz,
  tries int not null, refund_no int not null check (refund_no > 0), maybe_sent boolean not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  state text not null check (state in ('due', 'asked', 'paid', 'cancelling', 'cancelled', 'refund_due', 'refunded')),
  payment_intent text, refund text, reason text,
  primary key (member_id, redemption_id),
  constraint cash_part_ended_once check (paid_at is null or gave_up_at is null),
  constraint cash_part_ended check ((state in ('due', 'asked', 'cancelling')) = (paid_at is null and gave_up_at is null)),
  constraint cash_part_paid check (state <> 'paid' or paid_at is not null),
  constraint cash_part_cancelled check (state <> 'cancelled' or gave_up_at is not null),
  constraint cash_part_named check (state in ('due', 'cancelling', 'cancelled') or payment_intent is not null),
  constraint cash_part_refunded check (state <> 'refunded' or refund is not null));

create table cash_event (
  member_id bigint not null, event_id text not null, redemption_id bigint not null, at timestamptz not null,
  kind text not null, payment_intent text, primary key (member_id, event_id));
""")
    grant("select, insert", "cash_part", "cash_event")
    grant(
        "update (ends_at, changed_at, busy_until, paid_at, gave_up_at, tries, refund_no, maybe_sent, state, "
        "payment_intent, refund, reason)",
        "cash_part",
    )


def downgrade() -> None:
    op.execute("drop table cash_event, cash_part")
