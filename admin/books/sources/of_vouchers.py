"""Vouchers: issued, used, put back, handed back, lapsed."""

from admin.books.sources.question import BEYOND, OPERATORS, Source, key

_OFFER = "join offer o on o.version_id = v.version_id join programme g on g.programme_id = o.programme_id"
_LAPSE = "voucher_lapse l join voucher v on v.member_id = l.member_id and v.voucher_id = l.voucher_id"
# Of the booked value so much is left as its uses did not take; each part rounded down by itself would leave a fen behind.
_CASH_LEFT = "div(v.cash_fen::numeric * v.units_left, v.units)::bigint"
_LEFT = f"div(v.booked_fen::numeric * v.units_left, v.units)::bigint - {_CASH_LEFT} as points, {_CASH_LEFT} as cash"
_USED = f"least(a.booked_fen, {OPERATORS}) as covered, {BEYOND}"


def _voucher(at: str) -> str:
    return key(
        at,
        "v.member_id",
        "v.voucher_id",
        merchant="v.merchant_id",
        programme="o.programme_id",
        currency="g.currency",
    )


def _use(at: str, member: str, number: str) -> str:
    return key(at, member, number, merchant="a.merchant_id", brand="t.brand", currency="a.currency")


ISSUED = f"""
select {_voucher("v.issued_at")}, v.booked_fen - v.cash_fen as points, v.cash_fen as cash from voucher v {_OFFER}"""

ACCEPTED = f"""
select {_use("a.recorded_at", "a.member_id", "a.acceptance_id")}, {_USED}
from acceptance a join terms t on t.terms_id = a.terms_id"""

VOIDED = f"""
select {_use("d.recorded_at", "d.member_id", "d.void_id")}, {_USED}
from void d join acceptance a on a.member_id = d.member_id and a.acceptance_id = d.acceptance_id
join terms t on t.terms_id = a.terms_id"""

CANCELLED = f"""
select {_voucher("v.cancelled_at")}, {_LEFT} from voucher v {_OFFER}
where v.state = 'cancelled' and not exists (
  select from voucher_lapse l where l.member_id = v.member_id and l.voucher_id = v.voucher_id)"""

EXPIRED = f"""
select {_voucher("l.lapsed_at")}, l.booked_fen - l.cash_fen as points, l.cash_fen as cash from {_LAPSE} {_OFFER}"""

# All of its uses turned out to be another's, so it goes back whole: what lapsed of it was no breakage.
EXPIRED_CANCELLED = f"""
select {_voucher("v.cancelled_at")}, l.booked_fen - l.cash_fen as points from {_LAPSE} {_OFFER} where v.state = 'cancelled'"""

SOURCES = (
    Source("voucher-issued", "voucher", ISSUED, "vch"),
    Source("voucher-accepted", "acceptance", ACCEPTED, "acc"),
    Source("acceptance-voided", "void", VOIDED, "voi"),
    Source("voucher-cancelled", "voucher", CANCELLED, "vch"),
    Source("voucher-expired", "voucher_lapse", EXPIRED, "vch"),
    Source("expired-voucher-cancelled", "voucher_lapse", EXPIRED_CANCELLED, "vch"),
)
