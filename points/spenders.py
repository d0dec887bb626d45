"""The ledger's side of spenders: their caps are read with what else a request needs, what they spent is kept after it.

`spent` changes only in a transaction whose write of the group's wallet came first, so the wallet's `seq` guards it as it
guards holds. A cap is no part of the wallet: its row is read with a share lock, which a change of the cap waits for.
"""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from psycopg import Connection

from base import clock
from points.caps import RETURNS, SPENDS, Allowance, month
from points.deeds import Request
from points.postings import Posting, Wallet

Place = tuple[int, int, date]  # group, spender, first day of the month


def allowances(
    connection: Connection, asked: list[tuple[Wallet, Request]]
) -> dict[tuple[int, UUID], Allowance]:
    """By member and key, what the spenders of these requests may take; those who are no spenders are left out."""
    places: dict[tuple[int, UUID], Place] = {}
    for wallet, request in reversed(asked):  # of two with one key in a batch the first counts
        if request.spender_id is not None and request.kind in SPENDS:
            on = clock.day(max(request.at, wallet.at), request.zone)
            places[request.member_id, request.idem] = (request.member_id, request.spender_id, month(on))
    wanted = set(places.values())
    found = _read(connection, wanted)
    # A row that ended while we waited for it may have a successor, which only a new statement sees.
    found |= _read(connection, wanted - found.keys())
    return {key: found[place] for key, place in places.items() if place in found}


def _read(connection: Connection, places: set[Place]) -> dict[Place, Allowance]:
    if not places:
        return {}
    groups, spenders, months = zip(*sorted(places), strict=True)
    rows = connection.execute(
        "select k.*, s.cap_points, coalesce((select d.points from spent d "
        "where d.member_id = k.m and d.spender_id = k.s and d.month = k.on_month), 0)::bigint "
        "from unnest(%s::bigint[], %s::bigint[], %s::date[]) k(m, s, on_month) "
        "join spender s on s.member_id = k.m and s.spender_id = k.s and s.until is null for share of s",
        (list(groups), list(spenders), list(months)),
        prepare=True,
    )
    return {(row[0], row[1], row[2]): Allowance(row[3], row[4]) for row in rows}


def keep(connection: Connection, postings: Iterable[Posting]) -> None:
    """What spenders took is added to the month of the posting; what came back is subtracted from the month it was taken in."""
    for posting in postings:
        if posting.spender_id is None:
            continue
        place = (posting.member_id, posting.spender_id, month(posting.effective_on))
        if posting.kind in SPENDS:
            connection.execute(
                "insert into spent (member_id, spender_id, month, points) values (%s, %s, %s, %s) "
                "on conflict (member_id, spender_id, month) do update set points = spent.points + excluded.points",
                (*place, posting.amount),
            )
        elif posting.kind in RETURNS:  # what was captured or sent meanwhile was taken by the hold before it
            connection.execute(
                "update spent d set points = d.points - %s from posting o "
                "left join posting h on h.member_id = o.member_id and h.seq = o.rev_of "
                "where o.member_id = %s and o.seq = %s and d.member_id = o.member_id and d.spender_id = o.spender_id "
                "and d.month = date_trunc('month', coalesce(h.effective_on, o.effective_on)::timestamp)::date",
                (posting.amount, posting.member_id, posting.rev_of),
            )
