"""Proof of the ledger: replay every posting through the same pure function and compare with every wallet.

Streams postings in (member, number) order beside the wallets, in constant memory, in one snapshot.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session

from base.findings import Finding
from points import extensions, kinds, lots, postings, records
from points.kinds import Kind, Side
from points.lots import NO_EXTENSIONS, Calendar, Interval
from points.postings import Posting, Wallet

Progress = Callable[[int], None]
Holds = dict[int, tuple[int, datetime]]  # number of the posting -> points still set aside, and until when
FOLLOWS = kinds.FOLLOWS | {Kind.TIMEOUT: frozenset({Kind.HOLD}), Kind.OWE: frozenset({Kind.EARN})}

ORIGINALS = frozenset().union(*FOLLOWS.values())
SPENDS = frozenset({Kind.REDEEM, Kind.HOLD, Kind.REPAY})
WITHOUT_LOTS = frozenset({Kind.OWE, Kind.MERGE_DEBT_OUT, Kind.MERGE_DEBT_IN})


def findings(
    session: Session, progress: Progress = lambda n: None, members: Sequence[int] | None = None
) -> Iterator[Finding]:
    """All that is wrong in wallets, postings and holds. Read-only; give it a REPEATABLE READ transaction.

    With `members` only theirs, each from its first posting on; postings without any wallet are not looked for then.
    """
    holds, calendar_of = _holds(session, members), _calendars(session, members)
    sides: dict[Side, int] = defaultdict(int)
    totals: dict[str, int] = defaultdict(int)
    rows = _stream(session, members)
    for member_id, pair in groupby(rows, key=lambda row: row[0]):
        wallet, mine = _split(pair)
        if wallet is None:
            yield Finding("row", f"member {member_id}", "the wallet cannot be one")
            continue
        yield from _member(wallet, mine, sides, holds.pop(member_id, {}), calendar_of(member_id))
        totals["balance"] += wallet.balance
        totals["held"] += wallet.held
        totals["debt"] += wallet.debt
        progress(len(mine))
    for member_id, left in holds.items():
        yield Finding("holds", f"member {member_id}", f"holds without a wallet: {sorted(left)}")
    orphans = _orphans(session) if members is None else []
    yield from (Finding("replay", f"member {member}", "postings without a wallet") for member in orphans)
    for side, name, sign in ((Side.AVAILABLE, "balance", 1), (Side.HELD, "held", 1), (Side.DEBT, "debt", -1)):
        if sides[side] != sign * totals[name]:
            yield Finding("trial balance", name, f"postings say {sides[side]}, wallets {sign * totals[name]}")
    if sum(sides.values()):
        yield Finding("trial balance", "all classes", f"the sum is {sum(sides.values())}, not 0")


def sample(session: Session, size: int, seed: int) -> list[int]:
    """So many members by lot; the same seed chooses the same ones as long as nobody joins."""
    found = session.connection().exec_driver_sql(
        "select member_id from wallet order by hashint8extended(member_id, %s), member_id limit %s",
        (seed, size),
    )
    return sorted(found.scalars())


def count(session: Session, members: Sequence[int] | None = None) -> int:
    """How many postings there are to read (for a progress bar)."""
    only, values = _only("member_id", members)
    return int(
        session.connection().exec_driver_sql(f"select count(*) from posting {only}", values).scalar_one()
    )


def _only(column: str, members: Sequence[int] | None) -> tuple[str, tuple[list[int], ...]]:
    return ("", ()) if members is None else (f"where {column} = any(%s)", (list(members),))


def _orphans(session: Session) -> list[int]:
    found = session.connection().exec_driver_sql(
        "select distinct p.member_id from posting p left join wallet w using (member_id) where w.member_id is null limit 20"
    )
    return list(found.scalars())


def _stream(session: Session, members: Sequence[int] | None) -> Iterator[Any]:
    w, p = records.columns("w", records.WALLET), records.columns("p", records.POSTING)
    only, values = _only("w.member_id", members)
    yield from session.connection().exec_driver_sql(
        f"select {w}, {p} from wallet w left join posting p on p.member_id = w.member_id {only} "
        "order by w.member_id, p.seq",
        values,
        execution_options={"stream_results": True, "yield_per": 2000},
    )


def _split(pair: Iterator[Any]) -> tuple[Wallet | None, list[Any]]:
    width = records.WALLET.count(",") + 1
    rows = list(pair)
    try:
        wallet = records.wallet_of(rows[0])
    except ValueError:  # a state that is none
        return None, []
    return wallet, [row[width:] for row in rows if row[width] is not None]


def _holds(session: Session, members: Sequence[int] | None) -> dict[int, Holds]:
    found: dict[int, Holds] = defaultdict(dict)
    only, values = _only("member_id", members)
    for member_id, seq, *hold in session.connection().exec_driver_sql(
        f"select member_id, seq, open_points, ends_at from hold {only}", values
    ):
        found[member_id][seq] = (hold[0], hold[1])
    return found


def _calendars(session: Session, members: Sequence[int] | None) -> Callable[[int], Calendar]:
    """The extensions of a member's programme; members must be asked for in order, as the programmes are streamed too."""
    found = extensions.read(session)
    if not found:
        return lambda member_id: NO_EXTENSIONS
    only, values = _only("member_id", members)
    rows = iter(
        session.connection().exec_driver_sql(
            f"select member_id, programme_id from member {only} order by member_id",
            values,
            execution_options={"stream_results": True, "yield_per": 2000},
        )
    )
    last = [(0, 0)]

    def of(member_id: int) -> Calendar:
        while last[0][0] < member_id:
            last[0] = tuple(next(rows, (member_id, 0)))
        return found.get(last[0][1], NO_EXTENSIONS) if last[0][0] == member_id else NO_EXTENSIONS

    return of


def _member(
    stored: Wallet, rows: list[Any], sides: dict[Side, int], holds: Holds, calendar: Calendar
) -> Iterator[Finding]:
    place = f"member {stored.member_id}"
    wallet = postings.empty(stored.member_id, stored.state, stored.at)._replace(stopped=stored.stopped)
    originals: dict[int, tuple[Posting, int, int]] = {}
    restored: set[tuple[int | None, int]] = set()
    for row in rows:
        here = f"{place} posting {row[1]}"
        try:
            posting = records.posting_of(row)
        except (ValueError, TypeError):  # a kind that is none, half an interval
            yield Finding("row", here, "it cannot be one")
            return
        if posting.seq != wallet.seq + 1:
            yield Finding("gapless", here, f"after number {wallet.seq}")
            return
        if posting.hash != hashlib.sha256(wallet.head + postings.canonical(posting)).digest():
            yield Finding("chain", here, "the hash does not fit the row and the one before it")
            return
        if (row[17], row[18]) != posting.sides:
            yield Finding(
                "sides", here, f"classes {row[17]} -> {row[18]} are not those of {posting.kind.name}"
            )
            return
        if wallet.seq and posting.at < wallet.at:
            yield Finding("time", here, "it is earlier than the one before it")
        then = calendar and lots.announced(calendar, posting.at)
        astray = list(_intervals(wallet, posting, here, then))
        yield from astray
        if astray:
            return
        yield from _against_original(posting, originals, here, then)
        if posting.kind is Kind.RESTORE:
            yield from _restored(posting, originals, restored, here, then)
        if posting.kind in ORIGINALS:
            originals[posting.seq] = (posting, posting.amount, 0)
        sides[posting.sides[0]] -= posting.amount
        sides[posting.sides[1]] += posting.amount
        wallet = postings.apply(wallet, posting)
        if (posting.balance_after, posting.held_after, posting.debt_after) != (
            wallet.balance,
            wallet.held,
            wallet.debt,
        ):
            yield Finding("running totals", here, "balance, held or debt after it do not add up")
    if not rows:
        wallet = wallet._replace(at=stored.at)
    if wallet._replace(seen=stored.seen) != stored:
        yield Finding("replay", place, "the wallet is not what its postings make of it")
    if not lots.well_formed(stored.lots) or sum(stored.lots.given) - sum(stored.lots.taken) != stored.balance:
        yield Finding("lots", place, "lots do not add up to the balance")
    left = {
        seq: (open_points, p.ends_at or kinds.FOREVER)
        for seq, (p, open_points, _) in originals.items()
        if p.kind is Kind.HOLD and open_points
    }
    if left != holds:
        yield Finding("holds", place, f"open holds {holds}, postings say {left}")


def _intervals(wallet: Wallet, posting: Posting, here: str, calendar: Calendar) -> Iterator[Finding]:
    """Counts add up; takes tile each lot from its taken counter, gives from its given counter, soonest-lapsing first.

    Nothing lapsed is spent, nothing live expires, and no lot is opened whose own last day has passed.
    """
    named = sum(interval.count for interval in posting.lots)
    if named != (0 if posting.kind in WITHOUT_LOTS else posting.amount):
        yield Finding("intervals", here, "the points named do not add up to the amount")
    state = {k: [g, t] for k, g, t in zip(*wallet.lots, strict=True)}
    floor = lots.first_live(posting.effective_on)
    for interval in posting.lots:
        if posting.kind in kinds.GIVES and interval.key not in state and interval.key < floor:
            yield Finding("lots", here, f"opens lot {lots.last_day(interval.key)}, which has passed")
        given, taken = state.setdefault(interval.key, [0, 0])
        if posting.kind in kinds.TAKES:
            if interval.first != taken or taken + interval.count > given:
                yield Finding(
                    "intervals", here, f"takes of lot {lots.last_day(interval.key)} overlap or leave a gap"
                )
            state[interval.key][1] += interval.count
        elif posting.kind in kinds.GIVES:
            if interval.first != given:
                yield Finding(
                    "intervals", here, f"gives of lot {lots.last_day(interval.key)} overlap or leave a gap"
                )
            state[interval.key][0] += interval.count
    if posting.kind in SPENDS and posting.lots:
        order = {k: (lots.lasting(k, calendar), k) if calendar else (k, k) for k in state}
        last = max(order[interval.key] for interval in posting.lots)
        if any((floor, 0) <= order[k] < last and g > t for k, (g, t) in state.items()):
            yield Finding("soonest first", here, "a sooner-lapsing live lot still had points")
        if any(order[interval.key] < (floor, 0) for interval in posting.lots):
            yield Finding("lapsed", here, "spends points that had lapsed")
    if posting.kind is Kind.EXPIRE and any(lots.lasting(i.key, calendar) >= floor for i in posting.lots):
        yield Finding("lapsed", here, "takes points that had not lapsed")


def _restored(
    posting: Posting,
    originals: dict[int, tuple[Posting, int, int]],
    restored: set[tuple[int | None, int]],
    here: str,
    calendar: Calendar,
) -> Iterator[Finding]:
    """A lapsed lot comes back once, whole, and only where an extension gives it a last day to come."""
    lot_key, place = posting.contra, (posting.rev_of, posting.contra)
    lapsed = originals.get(posting.rev_of or 0)
    count = sum(i.count for i in lapsed[0].lots if i.key == lot_key) if lapsed else 0
    if place in restored or count != posting.amount:
        yield Finding("restored", here, f"lot {lot_key} of posting {posting.rev_of} twice or not whole")
        return
    restored.add(place)
    until = lots.lasting(lot_key, calendar)
    fitting = all(
        lots.lasting(i.key, calendar) >= until and lots.lot_class(i.key) == lots.lot_class(lot_key)
        for i in posting.lots
    )
    if until < lots.first_live(posting.effective_on) or not fitting:
        yield Finding(
            "restored", here, f"no extension brings lot {lots.last_day(lot_key)} back to where it went"
        )


def _against_original(
    posting: Posting, originals: dict[int, tuple[Posting, int, int]], here: str, calendar: Calendar
) -> Iterator[Finding]:
    """`originals`: by number the posting, what is left of it, and how much of it came back to its lots."""
    fitting = FOLLOWS.get(posting.kind, ())
    if posting.rev_of is None and not fitting:
        return
    original, left, returned = originals.get(posting.rev_of or 0, (None, 0, 0))
    if original is None or original.kind not in fitting:
        yield Finding("reversals", here, f"refers to {posting.rev_of}, which cannot be reversed or captured")
        return
    if posting.amount > left:
        yield Finding("reversals", here, f"{posting.amount} of {left} left of posting {posting.rev_of}")
    if original.kind is Kind.HOLD:
        ended = posting.at >= (original.ends_at or kinds.FOREVER)
        if ended != (posting.kind is Kind.TIMEOUT):
            yield Finding("holds", here, f"hold {original.seq} {'had ended' if ended else 'had not run out'}")
    if posting.kind in kinds.GIVES and posting.kind is not Kind.RESTORE:  # which has a rule of its own
        if _elsewhere(posting, lots.tail_of(original.lots, returned, posting.amount), calendar):
            yield Finding("reversals", here, f"its points came from other lots in posting {original.seq}")
        returned += posting.amount
    originals[original.seq] = (original, left - posting.amount, returned)


def _elsewhere(posting: Posting, due: tuple[Interval, ...], calendar: Calendar) -> bool:
    """Whether points came back to other lots than theirs, or where those had lapsed, to none that lives longer."""
    floor = lots.first_live(posting.effective_on)
    return [i.count for i in posting.lots] != [i.count for i in due] or any(
        landed.key != went.key
        and (
            min(went.key, lots.lasting(went.key, calendar)) >= floor
            or lots.lasting(landed.key, calendar) < floor
            or lots.lot_class(landed.key) != lots.lot_class(went.key)
        )
        for landed, went in zip(posting.lots, due, strict=True)
    )
