"""Traces: redemption, voucher, acceptance, line, statement, payout; forward from any of them, and back from a statement.

The money's side takes one question forward and two back, however long the history; where the points came from is asked of
points/wallets/traced.py, down to the lines of bills.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from base import database, ids
from base.auth.principals import Principal
from base.errors import NotFound
from merchants import scope as merchants_scope
from points.members import scope as members_scope
from points.wallets import traced
from points.wallets.traced import Part

READS = "trace:read"
_OF_ACCEPTANCE = "i.kind in ('clawback', 'adjustment')"
_OF_DISPUTE = "i.kind in ('dispute-held', 'dispute-released')"
# From a line to the acceptance that it is about, whatever its kind.
_ABOUT = f"""
left join merchant_item i on i.merchant_id = l.merchant_id and i.item_id = l.source_id
  and l.kind not in ('acceptance', 'void', 'carried-in', 'earning', 'earning-reversal')
left join void x on l.kind = 'void' and x.member_id = l.member_id and x.void_id = l.source_id
left join dispute d on {_OF_DISPUTE} and d.member_id = i.member_id and d.dispute_id = i.about_id
left join acceptance a on a.member_id = l.member_id and a.acceptance_id = case
  when l.kind = 'acceptance' then l.source_id when l.kind = 'void' then x.acceptance_id
  when {_OF_ACCEPTANCE} then i.about_id else d.acceptance_id end
left join voucher v on v.member_id = a.member_id and v.voucher_id = a.voucher_id
left join voucher_gift g on g.receiver_id = v.member_id and g.redemption_id = v.redemption_id
"""
_USE = (
    "select coalesce(g.member_id, v.member_id), v.redemption_id from acceptance a "
    "join voucher v on v.member_id = a.member_id and v.voucher_id = a.voucher_id "
    "left join voucher_gift g on g.receiver_id = v.member_id and g.redemption_id = v.redemption_id "
)
_STARTS = {
    "red": "select %(first)s::bigint, %(second)s::bigint",
    "vch": "select coalesce(g.member_id, v.member_id), v.redemption_id from voucher v "
    "left join voucher_gift g on g.receiver_id = v.member_id and g.redemption_id = v.redemption_id "
    "where v.member_id = %(first)s and v.voucher_id = %(second)s",
    "acc": _USE + "where a.member_id = %(first)s and a.acceptance_id = %(second)s",
    "voi": _USE + "where a.member_id = %(first)s and a.void_id = %(second)s",
    "dsp": _USE + "join dispute d on d.member_id = a.member_id and d.acceptance_id = a.acceptance_id "
    "where d.member_id = %(first)s and d.dispute_id = %(second)s",
    "stl": f"select coalesce(g.member_id, v.member_id), v.redemption_id from statement_line l {_ABOUT} "
    "where l.merchant_id = %(first)s and l.statement_no = %(second)s and l.line_no = %(third)s and v.voucher_id is not null",
}
_FORWARD = f"""
with start(member_id, redemption_id) as (%s)
select r.member_id, r.redemption_id, r.kind as offer_kind, r.state as redemption_state, r.price_points, r.cash_fen,
  r.units, r.at, r.posting_seq, o.names, v.member_id as holder_id, v.voucher_id, v.last4, v.state as voucher_state,
  a.acceptance_id, a.merchant_id, m.code as merchant, a.recorded_at as accepted_at, a.currency, a.void_id,
  t.kind, t.source_id, t.recorded_at, t.owed_fen, t.fee_fen, t.vat_fen, l.statement_no, l.line_no,
  s.sealed_at, s.net_fen, s.payable_fen, s.carried_fen, s.due_day, s.currency as sealed_in,
  p.state as payout_state, p.amount_fen, p.route, p.transfer, p.payment, p.bank_payout
from start join redemption r on r.member_id = start.member_id and r.redemption_id = start.redemption_id
join offer o on o.version_id = r.version_id
left join voucher_gift g on g.member_id = r.member_id and g.redemption_id = r.redemption_id
left join voucher v on v.member_id = coalesce(g.receiver_id, r.member_id) and v.redemption_id = r.redemption_id
left join acceptance a on a.member_id = v.member_id and a.voucher_id = v.voucher_id
left join merchant m on m.merchant_id = a.merchant_id
left join void x on x.member_id = a.member_id and x.void_id = a.void_id
left join dispute d on d.member_id = a.member_id and d.acceptance_id = a.acceptance_id
left join lateral (
  select 'acceptance' as kind, a.acceptance_id as source_id, a.recorded_at, a.owed_fen, a.fee_fen, a.vat_fen
  union all select 'void', x.void_id, x.recorded_at, -a.owed_fen, -a.fee_fen, -a.vat_fen where x.void_id is not null
  union all select i.kind, i.item_id, i.recorded_at, i.owed_fen, i.fee_fen, i.vat_fen from merchant_item i
  where i.merchant_id = a.merchant_id and i.member_id = a.member_id and i.about_id in (a.acceptance_id, d.dispute_id)
  and ({_OF_ACCEPTANCE} and i.about_id = a.acceptance_id or {_OF_DISPUTE} and i.about_id = d.dispute_id)
) t on a.acceptance_id is not null
left join statement_line l on l.merchant_id = a.merchant_id and l.kind = t.kind and l.member_id = a.member_id
  and l.source_id = t.source_id
left join statement s on s.merchant_id = l.merchant_id and s.statement_no = l.statement_no
left join payout p on p.merchant_id = l.merchant_id and p.statement_no = l.statement_no
order by a.use_no, a.acceptance_id, t.recorded_at, t.source_id
"""
_HEADER = """
select s.merchant_id, s.statement_no, m.code as merchant, s.sealed_at, s.net_fen, s.payable_fen, s.carried_fen, s.due_day,
  s.line_count, s.currency as sealed_in, p.state as payout_state, p.amount_fen, p.route, p.transfer, p.payment, p.bank_payout
from statement s join merchant m on m.merchant_id = s.merchant_id
left join payout p on p.merchant_id = s.merchant_id and p.statement_no = s.statement_no
where s.merchant_id = %(first)s and s.statement_no = %(second)s
"""
_BACK = f"""
select l.line_no, l.kind, l.member_id, l.source_id, l.recorded_at, l.owed_fen, l.fee_fen, l.vat_fen,
  a.acceptance_id, v.voucher_id, v.last4, coalesce(g.member_id, v.member_id) as redeemer_id, v.redemption_id
from statement_line l {_ABOUT}
where l.merchant_id = %(first)s and l.statement_no = %(second)s and l.line_no > %(after)s
  and (%(third)s::bigint is null or l.line_no = %(third)s)
order by l.line_no limit %(limit)s
"""


class TraceUnknown(NotFound):
    """There is nothing of this id to trace."""

    zh = "没有可追溯的对象。"


@dataclass(frozen=True)
class Trace:
    """What an id leads to. Forward: rows, one for each thing that moved money for a redemption, with its points' parts. Back:
    the header of a statement with its payout, and some of its lines.
    """

    forward: list[Any]
    points: tuple[Part, ...] = ()
    header: Any = None
    lines: tuple[Any, ...] = ()


def of(
    session: Session,
    person: Principal | None,
    public_id: str,
    *,
    with_points: bool = True,
    after: int = 0,
    limit: int = 50,
) -> Trace:
    """The trace of a redemption, voucher, acceptance, void, dispute, statement line (stl_...), or of a statement and its payout.

    A person of an area sees the merchants (before a use: the members) in it; None is whoever runs the machine. TraceUnknown.
    """
    prefix = public_id.partition("_")[0]
    if prefix == "stm":
        return _back(session, person, (*ids.parse("stm", public_id), None), after, limit)
    if prefix not in _STARTS:
        raise TraceUnknown()
    key = ids.parse(prefix, public_id, parts=3 if prefix == "stl" else 2)
    rows = database.rows(session, _FORWARD.replace("%s", _STARTS[prefix], 1), _named(key))
    if not rows and prefix == "stl":  # of what happened at the merchant without a voucher
        found = _back(session, person, key, 0, 1)
        if not found.lines:
            raise TraceUnknown()
        return found
    if not rows or not _sees(session, person, rows[0]):
        raise TraceUnknown()
    points: tuple[Part, ...] = ()
    if with_points and rows[0].posting_seq is not None:
        points = traced.of_posting(session, rows[0].member_id, rows[0].posting_seq, through_gifts=True)
    return Trace(rows, points)


def _back(
    session: Session, person: Principal | None, key: tuple[int | None, ...], after: int, limit: int
) -> Trace:
    header = next(iter(database.rows(session, _HEADER, _named(key))), None)
    if header is None or not (person is None or merchants_scope.sees(session, person, header.merchant_id)):
        raise TraceUnknown()
    lines = database.rows(session, _BACK, _named(key) | {"after": after, "limit": limit})
    return Trace([], header=header, lines=tuple(lines))


def _sees(session: Session, person: Principal | None, row: Any) -> bool:
    if person is None:
        return True
    if row.merchant_id is None:
        return members_scope.sees(session, person, row.member_id)
    return merchants_scope.sees(session, person, row.merchant_id)


def _named(key: tuple[int | None, ...]) -> dict[str, int | None]:
    return dict(zip(("first", "second", "third"), key, strict=False))
