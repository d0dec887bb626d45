"""Proof of the books: what the journal shows of each liability is what the operational tables say, reckoned another way.

Nothing is compared with itself: the journal's side comes out of the rules, the other side out of what vouchers, statements, payouts
and wallets show at this moment.
"""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from admin.books import balances, points
from admin.books.balances import Account, Balances
from admin.books.facts import Span
from admin.books.rules import POINTS
from base import database
from base.findings import Finding

RULE = "books"
MOST = 100


def findings(session: Session) -> Iterator[Finding]:
    """Every identity that does not hold, with both figures."""
    span = Span(None, None, balances.zone_of(session))
    books = balances.of(session, span)
    for currency in sorted({account.currency for account in books.accounts}):
        off = sum(one.closing for account, one in books.accounts.items() if account.currency == currency)
        if off:
            yield Finding(RULE, currency, f"debits and credits differ by {off} fen")
    yield from _differing(session, books)
    yield from _points(session, books, span)
    yield from _mirrors(session, books)


def _differing(session: Session, books: Balances) -> Iterator[Finding]:
    said: dict[Account, int] = {}
    for name, question in _RECKONED.items():
        for currency, party, fen in database.driver(session).execute(question):
            said[Account(currency, f"{name}:{party}" if party else name)] = int(fen)
    shown = {
        account: -one.closing
        for account, one in books.accounts.items()
        if account.name.split(":")[0] in _RECKONED
    }
    wrong = [one for one in sorted({*said, *shown}) if said.get(one, 0) != shown.get(one, 0)]
    for account in wrong[:MOST]:
        text = f"the books show {shown.get(account, 0)} fen, the tables {said.get(account, 0)}"
        yield Finding(RULE, f"{account.name} {account.currency}", text)


def _points(session: Session, books: Balances, span: Span) -> Iterator[Finding]:
    """Points to the point, and their worth to the fen: flows on one side, wallets on the other."""
    flows, there = points.flows(session, None, span.zone), points.outstanding(session)
    fen: dict[str, int] = {}
    for programme_id, programme in points.programmes_of(session).items():
        every = flows.get(programme_id, {})
        moved, owed = sum(day.owed for day in every.values()), there.get(programme_id, 0)
        if moved != owed:
            yield Finding(
                RULE, f"points of {programme.code}", f"the books show {moved} points, the wallets {owed}"
            )
        value = points.worth_of(session, programme).of(owed, max([span.last, *every]))
        fen[programme.currency] = fen.get(programme.currency, 0) + value
    for currency, value in fen.items():
        shown = -books.closing(currency, POINTS)
        if shown != value:
            yield Finding(
                RULE, f"{POINTS} {currency}", f"the books show {shown} fen, the wallets are worth {value}"
            )


def _mirrors(session: Session, books: Balances) -> Iterator[Finding]:
    """Every void has exactly one mirror, and nothing else has one."""
    rows = list(database.driver(session).execute(_MIRRORED, {"most": MOST}))
    for member_id, acceptance_id, mirrors in rows:
        yield Finding(
            RULE,
            f"member {member_id} acceptance {acceptance_id}",
            f"{mirrors} mirrors of its one void or none",
        )
    undone = database.rows(session, "select count(*) n from acceptance where void_id is not null")[0].n
    if undone != books.voids:
        yield Finding(RULE, "mirrors", f"{books.voids} mirrors of {undone} acceptances that were undone")


_MIRRORED = """select a.member_id, a.acceptance_id, count(d.void_id) from acceptance a
left join void d on d.member_id = a.member_id and d.acceptance_id = a.acceptance_id
where a.void_id is not null or d.void_id is not null
group by a.member_id, a.acceptance_id, a.void_id having count(d.void_id) <> (a.void_id is not null)::int limit %(most)s"""
_LINE = """select from statement_line l where l.merchant_id = x.merchant_id and l.kind = {0} and l.member_id = x.member_id
  and l.source_id = x.{1}"""
_ITEM_LINE = """select from statement_line l where l.merchant_id = x.merchant_id and l.kind = x.kind and l.source_id = x.item_id"""
_LATEST = """(select distinct on (merchant_id) merchant_id, carried_fen, reserve_fen from statement
  order by merchant_id, statement_no desc)"""
# account: what the tables say of it, by currency and merchant, credits above zero (fen).
_RECKONED = {
    "voucher_liability": """
select g.currency, '', sum(div(v.booked_fen::numeric * v.units_left, v.units)) from voucher v
join offer o on o.version_id = v.version_id join programme g on g.programme_id = o.programme_id
where v.state not in ('cancelled', 'expired') group by 1""",
    "payable_open": f"""
select m.currency, m.code, sum(fen) from (
  select x.merchant_id, x.owed_fen - x.fee_fen - x.vat_fen fen from acceptance x
    where not exists ({_LINE.format("'acceptance'", "acceptance_id")})
  union all select x.merchant_id, a.fee_fen + a.vat_fen - a.owed_fen from void x
    join acceptance a on a.member_id = x.member_id and a.acceptance_id = x.acceptance_id
    where not exists ({_LINE.format("'void'", "void_id")})
  union all select x.merchant_id, x.owed_fen - x.fee_fen - x.vat_fen from merchant_item x where not exists ({_ITEM_LINE})
  union all select x.merchant_id, -x.price_fen from merchant_earning x where not exists ({_LINE.format("'earning'", "earning_id")})
  union all select x.merchant_id, e.price_fen from earning_reversal x
    join merchant_earning e on e.member_id = x.member_id and e.earning_id = x.earning_id
    where not exists ({_LINE.format("'earning-reversal'", "reversal_id")})
  union all select x.merchant_id, greatest(x.carried_fen, 0) from {_LATEST} x) y
join merchant m on m.merchant_id = y.merchant_id group by 1, 2""",
    "receivable": f"""

select m.currency, m.code, sum(fen) from (
  select x.merchant_id, least(x.carried_fen, 0) fen from {_LATEST} x
  union all select x.merchant_id, -x.amount_fen from recovery x where x.step = 'invoice' and x.state = 'open') y
join merchant m on m.merchant_id = y.merchant_id group by 1, 2""",
    "payable_due": """
select m.currency, m.code, sum(fen) from (
  select s.merchant_id, s.payable_fen fen from statement s
  union all select p.merchant_id, -p.amount_fen from payout p
    where p.state in ('sent', 'paid') or p.state = 'returned' and p.route = 'stripe') y
join merchant m on m.merchant_id = y.merchant_id group by 1, 2""",
    "pack": """
select m.currency, m.code, sum(k.price_fen - div(k.price_fen::numeric * u.points, k.points)) from points_pack k
join merchant m on m.merchant_id = k.merchant_id cross join lateral (
  select coalesce(sum(x.points), 0) points from pack_use x
  where x.pack_id = k.pack_id and x.merchant_id = k.merchant_id) u group by 1, 2""",
    "bank_in_transit": """
select s.currency, '', sum(p.amount_fen) from payout p join statement s on s.merchant_id = p.merchant_id
and s.statement_no = p.statement_no where p.route = 'bank' and p.state = 'sent' group by 1""",
    "reserve": f"""
select m.currency, m.code, sum(fen) from (
  select x.merchant_id, x.reserve_fen fen from {_LATEST} x union all
  select x.merchant_id, x.fee_fen + x.vat_fen - x.owed_fen from merchant_item x
    where x.kind in ('reserve-in', 'reserve-out') and not exists ({_ITEM_LINE})) y
join merchant m on m.merchant_id = y.merchant_id group by 1, 2""",
    "dispute_hold": """
select m.currency, m.code, sum(x.fee_fen + x.vat_fen - x.owed_fen) from merchant_item x
join merchant m on m.merchant_id = x.merchant_id
left join dispute d on d.member_id = x.member_id and d.dispute_id = x.about_id
where x.kind in ('dispute-held', 'dispute-released') and d.verdict is distinct from 'member' group by 1, 2""",
    "breakage_expected": """
select g.currency, '', -sum(e.breakage_fen) from breakage_estimate e join programme g on g.programme_id = e.programme_id
where e.estimate_no = (select max(r.estimate_no) from breakage_run r where r.programme_id = e.programme_id) group by 1""",
}
