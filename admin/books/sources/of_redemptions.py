"""Redemptions of other kinds than vouchers, and the money that came for any of them."""

from admin.books.sources.question import Source, day, key, rate, value
from points.kinds import Kind

_VOUCHERS = "('voucher', 'trial_card', 'gift')"
# The posting that spent the points, and what they were worth on that day. Of a bundle's points its voucher has its own part.
_SPENT = f"""
from redemption r
join posting p on p.member_id = r.member_id and (not r.held and p.seq = r.posting_seq
  or r.held and p.rev_of = r.posting_seq and p.kind = {int(Kind.CAPTURE)})
join offer o on o.version_id = r.version_id join programme g on g.programme_id = o.programme_id
{rate("o.programme_id", day("p.at"))}
cross join lateral (select {value("p.amount")} - coalesce((
  select sum(v.booked_fen - v.cash_fen) from voucher v
  where r.kind = 'bundle' and v.member_id = r.member_id and v.redemption_id = r.redemption_id), 0)::bigint as value) worth"""
_BACK = f"join posting q on q.member_id = p.member_id and q.rev_of = p.seq and q.kind = {int(Kind.REVERSE)}"
_CREDIT = (
    "least(worth.value, r.value_fen) as covered, greatest(r.value_fen - worth.value, 0) as subsidy, "
    "greatest(worth.value - r.value_fen, 0) as margin"
)
_MONEY = """
from cash_part c join redemption r on r.member_id = c.member_id and r.redemption_id = c.redemption_id"""
_NOT_OF_VOUCHER = """c.amount_fen - coalesce((select sum(v.cash_fen) from voucher v
  where v.member_id = c.member_id and v.redemption_id = c.redemption_id), 0)::bigint as cash"""
_FULFILLED = """(select min(t.at) from redemption_step t
  where t.member_id = r.member_id and t.redemption_id = r.redemption_id and t.state = 'fulfilled')"""
_GIVEN = f"(c.paid_at is not null and {_FULFILLED} is not null)"
# What the money was for is known once the benefit is given, or certainly never will be: no day before gets a document more.
_WHEN_GIVEN = f"greatest(c.paid_at, {_FULFILLED})"
_WHEN_NOT = "case when c.paid_at is null then coalesce(c.gave_up_at, c.changed_at) else greatest(c.paid_at, r.changed_at) end"


def _redeemed(at: str) -> str:
    return key(at, "r.member_id", "r.redemption_id", programme="o.programme_id", currency="g.currency")


def _paid(at: str) -> str:
    return key(at, "c.member_id", "c.redemption_id", currency="c.currency")


CREDITED = f"select {_redeemed('p.at')}, {_CREDIT} {_SPENT} where r.kind = 'bill_credit'"
CREDIT_REVERSED = f"select {_redeemed('q.at')}, {_CREDIT} {_SPENT} {_BACK} where r.kind = 'bill_credit'"
_OTHERS = f"r.kind <> 'bill_credit' and r.kind not in {_VOUCHERS}"
GIVEN = f"select {_redeemed('p.at')}, worth.value {_SPENT} where {_OTHERS}"
REVERSED = f"select {_redeemed('q.at')}, worth.value {_SPENT} {_BACK} where {_OTHERS}"

PAID = f"select {_paid(_WHEN_GIVEN)}, {_NOT_OF_VOUCHER} {_MONEY} where r.kind not in {_VOUCHERS} and {_GIVEN}"
REFUNDABLE = f"""
select {_paid("r.changed_at")}, {_NOT_OF_VOUCHER} {_MONEY}
where r.kind not in {_VOUCHERS} and {_GIVEN} and r.state in ('failed', 'cancelled', 'reversed')"""
FOR_NOTHING = f"""
select {_paid(_WHEN_NOT)}, c.amount_fen as cash {_MONEY}
where c.state in ('refund_due', 'refunded') and not {_GIVEN}"""
REFUNDED = f"select {_paid('c.changed_at')}, c.amount_fen as cash {_MONEY} where c.state = 'refunded'"
AVAILABLE = f"""
select {key("c.recorded_at", "c.member_id", "c.redemption_id", currency="c.currency")},
  c.amount_fen - c.fee_fen as net, c.fee_fen as fee from card_proceeds c"""

SOURCES = (
    Source("bill-credited", "redemption", CREDITED, "red"),
    Source("bill-credit-reversed", "redemption", CREDIT_REVERSED, "red"),
    Source("benefit-given", "redemption", GIVEN, "red"),
    Source("benefit-reversed", "redemption", REVERSED, "red"),
    Source("benefit-paid", "cash_part", PAID, "red"),
    Source("benefit-refundable", "cash_part", REFUNDABLE, "red"),
    Source("payment-refundable", "cash_part", FOR_NOTHING, "red"),
    Source("payment-available", "card_proceeds", AVAILABLE, "red"),
    Source("refund-sent", "cash_part", REFUNDED, "red"),
)
