"""Proof of earnings at merchants: each is its posting, paid by packs and what is owed; packs hold what they gave; undone once, in time."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import ids
from base.findings import Finding
from merchants.earnings import earnings
from merchants.earnings.models import Earning, EarningReversal
from merchants.models import Merchant, Terms
from points.kinds import Kind
from points.models import PostingRow

EARNING, PACK = "merchant earning", "pack"


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with earnings, their reversals and what they took of packs."""
    terms = {row.terms_id: row for row in session.scalars(select(Terms))}
    zones = {
        row.merchant_id: row.zone for row in session.execute(select(Merchant.merchant_id, Merchant.zone))
    }
    yield from _earnings(session, terms)
    yield from _reversals(session, terms, zones)
    for rule, statement in _RULES.items():
        for row in session.connection().exec_driver_sql(statement):
            kind = PACK if row.place.startswith("pack") else EARNING
            yield Finding(kind, row.place, rule)


def _earnings(session: Session, terms: dict[int, Terms]) -> Iterator[Finding]:
    rows = session.execute(
        select(Earning, PostingRow)
        .outerjoin(PostingRow, (PostingRow.member_id == Earning.member_id) & (PostingRow.seq == Earning.seq))
        .execution_options(yield_per=1000)
    )
    for row, posting in rows:
        if fault := _fault(row, terms.get(row.terms_id), posting):
            yield Finding(EARNING, earnings.public_id(row), fault)


def _fault(row: Earning, version: Terms | None, posting: PostingRow | None) -> str:
    if version is None or version.merchant_id != row.merchant_id:
        return "its terms are not the merchant's"
    if posting is None:
        return f"there is no posting {row.seq}"
    said = (posting.kind, posting.amount, posting.version_id, posting.idem)
    key = earnings.posting_key(earnings.public_id(row))
    if said != (Kind.EARN, row.points, row.terms_id, key):
        return f"posting {row.seq} is not that of this earning"
    if row.points != earnings.points_for(version, row.amount_fen):
        return f"{row.points} points are not what its terms give"
    if row.price_fen != earnings.price_of(version, row.postpaid_points):
        return f"{row.price_fen} fen are not the price of {row.postpaid_points} points"
    return ""


def _reversals(session: Session, terms: dict[int, Terms], zones: dict[int, str]) -> Iterator[Finding]:
    rows = session.execute(
        select(EarningReversal, Earning, PostingRow)
        .outerjoin(
            Earning,
            (Earning.member_id == EarningReversal.member_id)
            & (Earning.earning_id == EarningReversal.earning_id),
        )
        .outerjoin(
            PostingRow,
            (PostingRow.member_id == EarningReversal.member_id) & (PostingRow.seq == EarningReversal.seq),
        )
        .execution_options(yield_per=1000)
    )
    for undone, row, posting in rows:
        if fault := _reversal_fault(undone, row, posting, terms, zones):
            yield Finding(EARNING, ids.public("erv", undone.member_id, undone.reversal_id), fault)


def _reversal_fault(
    undone: EarningReversal,
    row: Earning | None,
    posting: PostingRow | None,
    terms: dict[int, Terms],
    zones: dict[int, str],
) -> str:
    if row is None or row.merchant_id != undone.merchant_id:
        return "there is no earning that it undoes"
    key = earnings.posting_key(earnings.public_id(row), reverses=True)
    if posting is None or (posting.rev_of, posting.idem) != (row.seq, key):
        return f"posting {undone.seq} is not that of this reversal"
    if undone.recorded_at >= earnings.reversible_until(row, terms[row.terms_id], zones[row.merchant_id]):
        return "it was undone after the cut-off"
    return ""


_TAKEN = f"({int(Kind.UNEARN)}, {int(Kind.OWE)})"
_RULES = {
    "more was taken out of it than it held, or more put back than taken": (
        "select 'pack ' || p.pack_id as place from points_pack p join pack_use u on u.pack_id = p.pack_id "
        "group by p.pack_id, p.points having sum(u.points) not between 0 and p.points limit 20"
    ),
    "it is of no pack of the merchant, or nothing took or put back": (
        "select 'pack use ' || u.member_id || ' ' || u.source_id as place from pack_use u "
        "left join points_pack p on p.merchant_id = u.merchant_id and p.pack_id = u.pack_id "
        "left join merchant_earning e on e.member_id = u.member_id and e.earning_id = u.source_id "
        "left join earning_reversal r on r.member_id = u.member_id and r.reversal_id = u.source_id "
        "where p.pack_id is null or coalesce(e.merchant_id, r.merchant_id) is distinct from u.merchant_id "
        "or (u.points > 0) is distinct from (e.earning_id is not null) limit 20"
    ),
    "what packs gave and what is owed for is not what was earned": (
        "select 'member ' || e.member_id || ' earning ' || e.earning_id as place from merchant_earning e "
        "left join lateral (select coalesce(sum(u.points), 0) as points from pack_use u where u.member_id = e.member_id "
        "and u.source_id = e.earning_id) u on true where u.points + e.postpaid_points <> e.points limit 20"
    ),
    "it did not put back what its earning took, pack by pack": (
        "select 'member ' || r.member_id || ' reversal ' || r.reversal_id as place from earning_reversal r "
        "join pack_use u on u.member_id = r.member_id and u.source_id in (r.earning_id, r.reversal_id) "
        "group by r.member_id, r.reversal_id, u.pack_id having sum(u.points) <> 0 limit 20"
    ),
    "its postings do not take back what was earned": (
        "select 'member ' || e.member_id || ' earning ' || e.earning_id as place from merchant_earning e "
        "join earning_reversal r on r.member_id = e.member_id and r.earning_id = e.earning_id "
        "left join lateral (select sum(p.amount) as points from posting p where p.member_id = e.member_id "
        f"and p.rev_of = e.seq and p.kind in {_TAKEN}) p on true where p.points is distinct from e.points limit 20"
    ),
    "there is no earning behind this posting": (
        "select 'member ' || p.member_id || ' posting ' || p.seq as place from terms t "
        f"join posting p on p.version_id = t.terms_id and p.kind = {int(Kind.EARN)} "
        "left join merchant_earning e on e.member_id = p.member_id and e.seq = p.seq "
        "where e.member_id is null limit 20"
    ),
}
