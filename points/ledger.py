"""The ledger's shell: reads wallets, runs the pure core, writes - one request or hundreds through the same code.

The wallet's `seq` guards everything of its member: a write says `where seq = :seen and state = :state and stopped =
:stopped`, so whoever writes proves that nothing of the member changed since it was read. Everything else is read in the wallet's own
statement or a later one, never an earlier one; that makes the look-up of the idempotency key race-free without a lock.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from psycopg import Connection, Cursor
from sqlalchemy.orm import Session

from base import database, packed
from base.database import StillRunning
from base.errors import NotFound, Problem
from base.failpoints import failpoint
from base.idempotency import KeyReused
from points import deeds, extensions, postings, spenders
from points.deeds import Known, Original, Outcome, Request
from points.kinds import ENDS_A_HOLD, FOREVER, Kind, State
from points.postings import Posting, Wallet
from points.records import (
    COPY,
    POSTING,
    POSTING_TYPES,
    WALLET,
    columns,
    copied,
    posting_of,
    posting_values,
    wallet_of,
    wallet_values,
)

NAMESPACE = UUID("6a696665-6e2d-4c65-8467-65726b657973")
BATCH = 500
OPTIMISTIC_TRIES = 2
Place = tuple[int, int]  # of a request: its member, and its key as a number


class WalletUnknown(NotFound):
    """There is no such wallet."""

    zh = "没有该积分账户。"


class Answer(NamedTuple):
    """What became of a request; the same postings give the same answer today and in ten years."""

    postings: tuple[Posting, ...]
    replayed: bool

    @property
    def deed(self) -> Posting | None:
        return deeds.deed_of(self.postings)

    @property
    def seq(self) -> int:
        """The number of the posting that was asked for."""
        deed = self.deed
        if deed is None:
            raise LookupError("nothing was posted")
        return deed.seq


def key(actor: str, text: str) -> UUID:
    """The ledger's idempotency key, derived from who asks and the key they gave."""
    return uuid5(NAMESPACE, f"{actor}\n{text}")


def open_wallet(session: Session, member_id: int, state: State, at: datetime) -> None:
    """An empty wallet for a new member."""
    _store_empty(database.driver(session), [postings.empty(member_id, state, at)])


def open_wallets(session: Session, members: Iterable[tuple[int, State, datetime]]) -> None:
    """Empty wallets for many new members in one statement."""
    _store_empty(database.driver(session), [postings.empty(*member) for member in members])


def read(session: Session, member_id: int) -> Wallet:
    """A wallet as it stands; WalletUnknown when there is none."""
    row = _ask(
        database.driver(session), f"select {WALLET} from wallet where member_id = %s", (member_id,)
    ).fetchone()
    if row is None:
        raise WalletUnknown(member=member_id)
    return wallet_of(row)


def read_many(session: Session, members: Iterable[int]) -> list[Wallet]:
    """Wallets as they stand, in member order; members without one are left out."""
    rows = _ask(
        database.driver(session),
        f"select {WALLET} from wallet where member_id = any(%s) order by member_id",
        (packed.int8s(members),),
    )
    return [wallet_of(row) for row in rows.fetchall()]


def follower(session: Session, member_id: int, seq: int, kind: Kind) -> int | None:
    """The number of the posting of a kind that follows another one of the same member; None where there is none."""
    found = _ask(
        database.driver(session),
        "select seq from posting where member_id = %s and rev_of = %s and kind = %s order by seq limit 1",
        (member_id, seq, int(kind)),
    ).fetchone()
    return int(found[0]) if found else None


def post(session: Session, request: Request) -> Answer:
    """Do one request in the caller's transaction, best as its last step: the wallet's row is locked until the commit."""
    connection = database.driver(session)
    for tries in range(OPTIMISTIC_TRIES + 1):
        wallet, before = _read_with_key(connection, request, lock=tries == OPTIMISTIC_TRIES)
        if before:
            return _replay(request, before)
        failpoint("wallet_read")
        known = _known(connection, [(wallet, request)])
        try:
            outcome = deeds.run(wallet, request, *known.values())
        except Problem:
            if _still_as(connection, request, wallet):
                raise
            continue
        if not outcome.postings or _write_one(connection, wallet, outcome):
            failpoint("posting_written")
            _keep_holds(connection, [outcome])
            spenders.keep(connection, outcome.postings)
            failpoint("posted")
            return Answer(outcome.postings, replayed=False)
    raise StillRunning(retry_after_s=1)


def _still_as(connection: Connection, request: Request, seen: Wallet) -> bool:
    """Whether a refusal counts: what was read after the wallet may be of a later moment, and no write proves it."""
    if not _needs_more(request, seen):
        return True
    place = (seen.member_id, seen.seq, int(seen.state), seen.stopped)
    return bool(_ask(connection, _UNCHANGED, place).rowcount)


def post_alone(request: Request) -> Answer:
    """Do one request in a transaction of its own; it is kept when this returns.

    Most need one statement to read and one to write, so the wallet's row is locked for that one statement alone.
    """
    for _ in range(OPTIMISTIC_TRIES):
        with database.alone() as connection:
            wallet, before = _read_with_key(connection, request, lock=False)
            if before:
                return _replay(request, before)
            if request.kind is Kind.HOLD or _needs_more(request, wallet):
                break  # there are more rows to read or to write
            known = extensions.add(connection, [(wallet, request)], {})
            outcome = deeds.run(wallet, request, *known.values())
            if not outcome.postings or _write_one(connection, wallet, outcome):
                return Answer(outcome.postings, replayed=False)
    with database.begin() as session:
        return post(session, request)


def post_many(session: Session, requests: Sequence[Request]) -> list[Answer | Problem]:
    """Do many requests, set-based, a batch at a time; one answer or named refusal each, in the order asked.

    Requests of one member are done in the order given. The wallets are locked from the reading on, and until the
    caller commits: nobody can be first meanwhile. Nothing is committed here.
    """
    answers: dict[int, Answer | Problem] = {}
    connection = database.driver(session)
    numbered = sorted(enumerate(requests), key=lambda pair: pair[1].member_id)
    for start, end in _batches([request.member_id for _, request in numbered]):
        _post_batch(session, connection, numbered[start:end], answers)
    return [answers[number] for number in range(len(requests))]


def _batches(members: list[int]) -> Iterable[tuple[int, int]]:
    """Cuts of at most about BATCH, never through a member."""
    start = 0
    while start < len(members):
        end = min(start + BATCH, len(members))
        while end < len(members) and members[end] == members[end - 1]:
            end += 1
        yield start, end
        start = end


def _post_batch(
    session: Session,
    connection: Connection,
    batch: list[tuple[int, Request]],
    answers: dict[int, Answer | Problem],
) -> None:
    wallets = _lock_many(connection, sorted({request.member_id for _, request in batch}))
    failpoint("after_lock")
    before = _read_keys(connection, [request for _, request in batch])
    known = _known(connection, [(wallets[r.member_id], r) for _, r in batch if r.member_id in wallets])
    now, changed, outcomes = dict(wallets), set[int](), list[Outcome]()
    late: list[tuple[int, Request]] = []  # may refer to what this very batch writes; and those after them
    waiting: set[int] = set()
    tried: set[Place] = set()
    for number, request in batch:
        member_id = request.member_id
        place = (member_id, request.idem.int)
        wallet = now.get(member_id)
        if wallet is None:
            answers[number] = WalletUnknown(member=member_id)
        elif waiting and member_id in waiting:  # a member's requests are done in the order given
            late.append((number, request))
        elif (member_id in changed and _needs_more(request, wallet, wallets[member_id])) or (
            place in tried
            and place not in before  # refused a moment ago, and what was read was read for that one
        ):
            waiting.add(member_id)
            late.append((number, request))
        elif place in before:
            answers[number] = _attempt_replay(request, before[place])
        else:
            tried.add(place)
            try:
                outcome = deeds.run(wallet, request, known.get(place, deeds.NOTHING_KNOWN))
            except Problem as refusal:
                answers[number] = refusal
                continue
            answers[number] = Answer(outcome.postings, replayed=False)
            if outcome.postings:
                now[member_id], before[place] = outcome
                changed.add(member_id)
                outcomes.append(outcome)
    _write_wallets(connection, wallets, {member_id: now[member_id] for member_id in changed})
    failpoint("wallets_written")
    fresh = [posting for outcome in outcomes for posting in outcome.postings]
    _copy_postings(connection, fresh)
    failpoint("postings_copied")
    _keep_holds(connection, outcomes)
    spenders.keep(connection, fresh)
    for number, request in late:
        answers[number] = _attempt(session, request)


def _attempt(session: Session, request: Request) -> Answer | Problem:
    try:
        return post(session, request)
    except StillRunning:
        raise
    except Problem as refusal:
        return refusal


def _attempt_replay(request: Request, before: tuple[Posting, ...]) -> Answer | Problem:
    try:
        return _replay(request, before)
    except KeyReused as refusal:
        return refusal


def _replay(request: Request, before: tuple[Posting, ...]) -> Answer:
    if before[0].req_hash != request.hash:
        raise KeyReused()
    return Answer(before, replayed=True)


# Reading


def _ask(connection: Connection, statement: str, values: tuple[Any, ...]) -> Cursor:
    """One prepared statement over the driver itself: its overhead is a third of a posting's time otherwise."""
    return connection.execute(statement, values, prepare=True, binary=True)


_WITH_KEY = (
    f"select {columns('w', WALLET)}, {columns('p', POSTING)} from wallet w "
    "left join posting p on p.member_id = w.member_id and p.idem = %s where w.member_id = %s"
)
_LOCKED = f"select {WALLET} from wallet where member_id = %s for update"
_UNCHANGED = "select 1 from wallet where member_id = %s and seq = %s and state = %s and stopped = %s"
_BY_KEY = f"select {POSTING} from posting where member_id = %s and idem = %s order by part"


def _read_with_key(
    connection: Connection, request: Request, *, lock: bool
) -> tuple[Wallet, tuple[Posting, ...]]:
    width = WALLET.count(",") + 1
    if lock:  # the key is looked up after the lock, in a new statement: an older snapshot would miss it
        found = _ask(connection, _LOCKED, (request.member_id,)).fetchone()
        rows = _ask(connection, _BY_KEY, (request.member_id, request.idem)).fetchall()
        if found is None:
            raise WalletUnknown(member=request.member_id)
        return wallet_of(found), tuple(posting_of(row) for row in rows)
    rows = _ask(connection, _WITH_KEY, (request.idem, request.member_id)).fetchall()
    if not rows:
        raise WalletUnknown(member=request.member_id)
    before = [posting_of(row[width:]) for row in rows if row[width] is not None]
    return wallet_of(rows[0]), tuple(sorted(before, key=lambda posting: posting.part))


def _lock_many(connection: Connection, members: list[int]) -> dict[int, Wallet]:
    """The wallets of a batch, locked in member order, so that two batches that share members never wait in a ring."""
    rows = _ask(
        connection,
        f"select {WALLET} from wallet where member_id = any(%s) order by member_id for no key update",
        (packed.int8s(members),),
    )
    return {row[0]: wallet_of(row) for row in rows.fetchall()}


def _read_keys(connection: Connection, requests: list[Request]) -> dict[Place, tuple[Posting, ...]]:
    places = {(r.member_id, r.idem) for r in requests}  # each once, or its postings would come twice
    rows = _ask(
        connection,
        f"select {columns('p', POSTING)} from unnest(%s, %s) k(m, i) "
        "join posting p on p.member_id = k.m and p.idem = k.i order by p.member_id, p.seq",
        (packed.int8s([m for m, _ in places]), packed.uuids([i for _, i in places])),
    )
    found = defaultdict[Place, list[Posting]](list)
    for posting in map(posting_of, rows.fetchall()):
        found[posting.member_id, posting.idem.int].append(posting)
    return {place: tuple(rows) for place, rows in found.items()}


def _known(connection: Connection, asked: list[tuple[Wallet, Request]]) -> dict[Place, Known]:
    """What requests need besides wallet and key: originals with what came of them, overdue holds, caps, extensions."""
    known: dict[Place, Known] = {}
    originals = {(r.member_id, r.rev_of) for _, r in asked if r.rev_of is not None}
    overdue = _overdue(connection, [(w, r) for w, r in asked if w.held])
    allowances = spenders.allowances(connection, asked)
    if not originals and not overdue and not allowances:
        return extensions.add(connection, asked, known)
    found = _read_originals(
        connection, sorted(originals | {(m, s) for m, seqs in overdue.items() for s in seqs})
    )
    for wallet, request in reversed(asked):  # of two with one key in a batch the first counts
        if not _needs_more(request, wallet):
            continue
        holds = [found[request.member_id, s] for s in overdue.get(request.member_id, ())]
        at = max(request.at, wallet.at)
        known[request.member_id, request.idem.int] = Known(
            overdue=tuple(hold for hold in holds if (hold.posting.ends_at or FOREVER) <= at),
            original=found.get((request.member_id, request.rev_of or 0)),
            allowance=allowances.get((request.member_id, request.idem)),
        )
    return extensions.add(connection, asked, known)


def _needs_more(request: Request, *wallets: Wallet) -> bool:
    """Whether the wallet and the key alone do not tell what becomes of a request."""
    return (
        request.rev_of is not None or request.spender_id is not None or any(wallet.held for wallet in wallets)
    )


def _overdue(connection: Connection, asked: list[tuple[Wallet, Request]]) -> dict[int, list[int]]:
    if not asked:
        return {}
    latest: dict[int, datetime] = {}
    for wallet, request in asked:
        latest[wallet.member_id] = max(request.at, wallet.at, latest.get(wallet.member_id, wallet.at))
    rows = _ask(
        connection,
        "select h.member_id, h.seq from unnest(%s::bigint[], %s::timestamptz[]) k(m, t) "
        "join hold h on h.member_id = k.m and h.ends_at <= k.t order by h.member_id, h.seq",
        (list(latest), list(latest.values())),
    )
    found = defaultdict[int, list[int]](list)
    for member_id, seq in rows:
        found[member_id].append(seq)
    return dict(found)


def _read_originals(
    connection: Connection, places: Sequence[tuple[int, int | None]]
) -> dict[tuple[int, int], Original]:
    rows = _ask(
        connection,
        f"with k as (select * from unnest(%s::bigint[], %s::bigint[]) k(m, s)) "
        f"select {columns('p', POSTING)} from k join posting p on p.member_id = k.m and p.seq = k.s union all "
        f"select {columns('p', POSTING)} from k join posting p on p.member_id = k.m and p.rev_of = k.s order by 1, 2",
        ([m for m, _ in places], [s for _, s in places]),
    )
    found: dict[tuple[int, int], Original] = {}
    wanted = set(places)
    for posting in {
        (row[0], row[1]): posting_of(row) for row in rows
    }.values():  # an original may be a child too
        if (posting.member_id, posting.seq) in wanted:
            found[posting.member_id, posting.seq] = Original(posting)
        place = (posting.member_id, posting.rev_of or 0)
        if place in wanted and place in found:
            before = found[place]
            part = posting.amount
            found[place] = (
                Original(before.posting, before.captured + part, before.returned)
                if posting.kind in (Kind.CAPTURE, Kind.GIFT_OUT)
                else Original(before.posting, before.captured, before.returned + part)
            )
    return found


# Writing


_ROW = "(" + ", ".join(f"%s::{name}" for name in POSTING_TYPES) + ")"
_WRITE = (
    "with w as (update wallet set lot_key = %s, lot_in = %s, lot_out = %s, seq = %s, "
    "seen = %s, balance = %s, held = %s, debt = %s, at = %s, head = %s "
    "where member_id = %s and seq = %s and state = %s and stopped = %s returning 1) "
    f"insert into posting ({POSTING}) select v.* from w cross join (values {{rows}}) v"
)


def _write_one(connection: Connection, seen: Wallet, outcome: Outcome) -> bool:
    """Wallet and postings in one statement; False when somebody was first (nothing was written)."""
    statement = _WRITE.format(rows=", ".join([_ROW] * len(outcome.postings)))
    values = [*wallet_values(outcome.wallet), seen.member_id, seen.seq, int(seen.state), seen.stopped]
    for posting in outcome.postings:
        values += posting_values(posting)
    return bool(_ask(connection, statement, tuple(values)).rowcount == len(outcome.postings))


_UPDATE_MANY = (
    "update wallet w set lot_key = (%s::int[])[t.low:t.high], lot_in = (%s::bigint[])[t.low:t.high], "
    "lot_out = (%s::bigint[])[t.low:t.high], seq = t.seq, seen = t.seen, balance = t.balance, held = t.held, "
    "debt = t.debt, at = t.at, head = t.head "
    "from unnest(%s::int[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], "
    "%s::timestamptz[], %s::bytea[], %s::bigint[], %s::bigint[], %s::smallint[]) "
    "t(low, high, seq, seen, balance, held, debt, at, head, member_id, was, state) "
    "where w.member_id = t.member_id and w.seq = t.was and w.state = t.state"
)


def lock(session: Session, members: Iterable[int]) -> None:
    """Wait until nobody else is changing these members, and keep others waiting until the commit; in member order.

    For deeds that read more than the wallet and must not be overtaken: read it in a statement after this one.
    """
    _lock_many(database.driver(session), sorted(members))


def _write_wallets(connection: Connection, seen: dict[int, Wallet], changed: dict[int, Wallet]) -> None:
    """All wallets of a batch in one statement. All lots travel as three long arrays, of which each takes its part."""
    members = sorted(changed)
    if not members:
        return
    rows = [changed[m] for m in members]
    before = [seen[m] for m in members]
    ends = list(accumulate([len(w.lots.keys) for w in rows]))
    found = _ask(
        connection,
        _UPDATE_MANY,
        (
            packed.int4s([key for w in rows for key in w.lots.keys]),
            packed.int8s([given for w in rows for given in w.lots.given]),
            packed.int8s([taken for w in rows for taken in w.lots.taken]),
            packed.int4s([end - len(w.lots.keys) + 1 for w, end in zip(rows, ends, strict=True)]),
            packed.int4s(ends),
            packed.int8s([w.seq for w in rows]),
            packed.int8s([w.seen for w in rows]),
            packed.int8s([w.balance for w in rows]),
            packed.int8s([w.held for w in rows]),
            packed.int8s([w.debt for w in rows]),
            packed.moments([w.at for w in rows]),
            packed.byteas([w.head for w in rows], len(rows[0].head)),
            packed.int8s(members),
            packed.int8s([w.seq for w in before]),
            packed.int2s([w.state for w in before]),
        ),
    )
    if found.rowcount != len(members):
        raise StillRunning(retry_after_s=1)


def _copy_postings(connection: Connection, rows: list[Posting]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.write(copied(rows))


def _store_empty(connection: Connection, wallets: list[Wallet]) -> None:
    _ask(connection,
        "insert into wallet (member_id, state, at, head) "
        "select * from unnest(%s::bigint[], %s::smallint[], %s::timestamptz[], %s::bytea[])",
        (packed.int8s([w.member_id for w in wallets]), packed.int2s([w.state for w in wallets]),
         packed.moments([w.at for w in wallets]), packed.byteas([w.head for w in wallets], 32)),
    )  # fmt: skip


def _keep_holds(connection: Connection, outcomes: list[Outcome]) -> None:
    """The table of open holds follows the postings; guarded by the wallet's write before it."""
    for outcome in outcomes:
        for posting in outcome.postings:
            if posting.kind is Kind.HOLD:
                _ask(
                    connection,
                    "insert into hold (member_id, seq, open_points, ends_at) values (%s, %s, %s, %s)",
                    (posting.member_id, posting.seq, posting.amount, posting.ends_at or FOREVER),
                )
            elif posting.kind in ENDS_A_HOLD:
                place = (posting.member_id, posting.rev_of)
                gone = _ask(
                    connection,
                    "delete from hold where member_id = %s and seq = %s and open_points = %s",
                    (*place, posting.amount),
                )
                if not gone.rowcount:
                    _ask(
                        connection,
                        "update hold set open_points = open_points - %s where member_id = %s and seq = %s",
                        (posting.amount, *place),
                    )


def set_state(session: Session, member_id: int, state: State) -> None:
    """Change the state alone: points do not move, but a write that saw the earlier state will look again. A merged wallet
    stays merged.

    Lines are suspended, resumed and ended in points/members/members.py, which also does what that means for the points.
    """
    _ask(
        database.driver(session),
        "update wallet set state = %s where member_id = %s and state <> %s",
        (int(state), member_id, int(State.MERGED)),
    )


def set_stopped(session: Session, member_id: int, *, stopped: bool) -> None:
    """Whether the wallet is frozen by hand; a write that saw it otherwise will look again. WalletUnknown."""
    changed = _ask(
        database.driver(session), "update wallet set stopped = %s where member_id = %s", (stopped, member_id)
    )
    if not changed.rowcount:
        raise WalletUnknown(member=member_id)
