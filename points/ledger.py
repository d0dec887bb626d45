"""The ledger's shell: reads wallets, runs the pure core, writes - one request or hundreds through the same code.

The wallet's `seq` guards everything of its member: a write says `where seq = :seen and state = :state`, so whoever
writes proves that nothing of the member changed since it was read. Everything else is read in the wallet's own
statement or a later one, never an earlier one; that makes the look-up of the idempotency key race-free without a lock.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from psycopg import Connection, Cursor
from sqlalchemy.orm import Session

from base import database
from base.database import StillRunning
from base.errors import NotFound, Problem
from base.idempotency import KeyReused
from points import deeds, postings
from points.deeds import Known, Original, Outcome, Request
from points.kinds import ENDS_A_HOLD, FOREVER, Kind, State
from points.lots import Interval, Lots
from points.postings import Posting, Wallet

NAMESPACE = UUID("6a696665-6e2d-4c65-8467-65726b657973")
BATCH = 500
OPTIMISTIC_TRIES = 2

WALLET = "member_id, state, lot_key, lot_in, lot_out, seq, seen, balance, held, debt, at, head"
POSTING = (
    "member_id, seq, amount, balance_after, held_after, debt_after, contra, version_id, req_hash, at, rev_of, "
    "spender_id, value_fen, ends_at, effective_on, part, kind, from_class, to_class, idem, hash, lots, ref"
)
POSTING_TYPES = (
    "int8", "int8", "int8", "int8", "int8", "int8", "int8", "int8", "int8", "timestamptz", "int8",
    "int8", "int8", "timestamptz", "date", "int2", "int2", "int2", "int2", "uuid", "bytea", "int8[]", "text",
)  # fmt: skip


class WalletUnknown(NotFound):
    """There is no such wallet."""

    zh = "没有该积分账户。"


@dataclass(frozen=True, slots=True)
class Answer:
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


def post(session: Session, request: Request) -> Answer:
    """Do one request in the caller's transaction, best as its last step: the wallet's row is locked until the commit."""
    connection = database.driver(session)
    for tries in range(OPTIMISTIC_TRIES + 1):
        wallet, before = _read_with_key(connection, request, lock=tries == OPTIMISTIC_TRIES)
        if before:
            return _replay(request, before)
        outcome = deeds.run(
            wallet, request, _known(connection, [(wallet, request)])[request.member_id, request.idem]
        )
        if not outcome.postings or _write_one(connection, wallet, outcome):
            _keep_holds(connection, [outcome])
            return Answer(outcome.postings, replayed=False)
    raise StillRunning(retry_after_s=1)


def post_many(session: Session, requests: Sequence[Request]) -> list[Answer | Problem]:
    """Do many requests, set-based, a batch at a time; one answer or named refusal each, in the order asked.

    Requests of one member are done in the order given. A member who was changed by somebody else meanwhile goes
    through `post` one by one. Nothing is committed here.
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
    wallets = _read_many(connection, sorted({request.member_id for _, request in batch}))
    before = _read_keys(connection, [request for _, request in batch])
    fresh = [
        (wallets[r.member_id], r)
        for _, r in batch
        if r.member_id in wallets and (r.member_id, r.idem) not in before
    ]
    known = _known(connection, fresh)
    now, done = dict(wallets), defaultdict[int, list[tuple[int, Outcome]]](list)
    late: list[
        tuple[int, Request]
    ] = []  # requests that may refer to what this very batch writes, and those after them
    waiting: set[int] = set()
    for number, request in batch:
        member_id, place = request.member_id, (request.member_id, request.idem)
        if member_id not in wallets:
            answers[number] = WalletUnknown(member=member_id)
        elif member_id in waiting or (
            done[member_id] and (request.rev_of is not None or now[member_id].held or wallets[member_id].held)
        ):
            waiting.add(member_id)  # those after it wait too: a member's requests are done in the order given
            late.append((number, request))
        elif place in before:
            answers[number] = _attempt_replay(request, before[place])
        else:
            try:
                outcome = deeds.run(now[member_id], request, known[place])
            except Problem as refusal:
                answers[number] = refusal
                continue
            now[member_id] = outcome.wallet
            if outcome.postings:
                before[place] = outcome.postings
            done[member_id].append((number, outcome))
            answers[number] = Answer(outcome.postings, replayed=False)
    changed = {m: w for m, w in now.items() if w.seq != wallets[m].seq}
    written = _write_wallets(connection, wallets, changed)
    _copy_postings(connection, [p for m in written for _, outcome in done[m] for p in outcome.postings])
    _keep_holds(connection, [outcome for m in written for _, outcome in done[m]])
    gone, later = changed.keys() - written, {number for number, _ in late}
    lost = [
        (number, request) for number, request in batch if request.member_id in gone and number not in later
    ]
    for number, request in [*lost, *late]:
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


def wallet_of(row: Any) -> Wallet:
    """A wallet from its row, columns in the order of WALLET."""
    return Wallet(
        member_id=row[0], state=State(row[1]), lots=Lots(tuple(row[2]), tuple(row[3]), tuple(row[4])), seq=row[5],
        seen=row[6], balance=row[7], held=row[8], debt=row[9], at=row[10], head=bytes(row[11]),
    )  # fmt: skip


def posting_of(row: Any) -> Posting:
    """A posting from its row, columns in the order of POSTING."""
    flat = row[21]
    return Posting(
        member_id=row[0], seq=row[1], amount=row[2], balance_after=row[3], held_after=row[4], debt_after=row[5],
        contra=row[6], version_id=row[7], req_hash=row[8], at=row[9], rev_of=row[10], spender_id=row[11],
        value_fen=row[12], ends_at=row[13], effective_on=row[14], part=row[15], kind=Kind(row[16]), idem=row[19],
        hash=bytes(row[20]), lots=tuple(Interval(*flat[at : at + 3]) for at in range(0, len(flat), 3)), ref=row[22],
    )  # fmt: skip


def columns(table: str, names: str) -> str:
    return ", ".join(f"{table}.{name}" for name in names.split(", "))


_WITH_KEY = (
    f"select {columns('w', WALLET)}, {columns('p', POSTING)} from wallet w "
    "left join posting p on p.member_id = w.member_id and p.idem = %s where w.member_id = %s order by p.part"
)
_LOCKED = f"select {WALLET} from wallet where member_id = %s for update"
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
    return wallet_of(rows[0]), tuple(posting_of(row[width:]) for row in rows if row[width] is not None)


def _read_many(connection: Connection, members: list[int]) -> dict[int, Wallet]:
    rows = _ask(
        connection,
        f"select {WALLET} from wallet where member_id = any(%s::text::bigint[])",
        (_array(members),),
    )
    return {row[0]: wallet_of(row) for row in rows}


def _read_keys(
    connection: Connection, requests: list[Request]
) -> dict[tuple[int, UUID], tuple[Posting, ...]]:
    rows = _ask(
        connection,
        f"select {columns('p', POSTING)} from unnest(%s::text::bigint[], %s::text::uuid[]) k(m, i) "
        "join posting p on p.member_id = k.m and p.idem = k.i order by p.member_id, p.seq",
        (_array(r.member_id for r in requests), _array(r.idem for r in requests)),
    )
    found = defaultdict[tuple[int, UUID], list[Posting]](list)
    for posting in map(posting_of, rows):
        found[posting.member_id, posting.idem].append(posting)
    return {place: tuple(rows) for place, rows in found.items()}


def _known(connection: Connection, asked: list[tuple[Wallet, Request]]) -> dict[tuple[int, UUID], Known]:
    """What requests need besides the wallet: originals with what came of them, and overdue holds."""
    known = {(r.member_id, r.idem): Known() for _, r in asked}
    originals = {(r.member_id, r.rev_of) for _, r in asked if r.rev_of is not None}
    overdue = _overdue(connection, [(w, r) for w, r in asked if w.held])
    if not originals and not overdue:
        return known
    found = _read_originals(
        connection, sorted(originals | {(m, s) for m, seqs in overdue.items() for s in seqs})
    )
    for wallet, request in asked:
        holds = [found[request.member_id, s] for s in overdue.get(request.member_id, ())]
        at = max(request.at, wallet.at)
        known[request.member_id, request.idem] = Known(
            overdue=tuple(hold for hold in holds if (hold.posting.ends_at or FOREVER) <= at),
            original=found.get((request.member_id, request.rev_of or 0)),
        )
    return known


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


def _array(numbers: Iterable[object]) -> str:
    """An array as its text, which is much faster to send than a list."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _wallet_values(wallet: Wallet) -> tuple[Any, ...]:
    return (
        _array(wallet.lots.keys), _array(wallet.lots.given), _array(wallet.lots.taken), wallet.seq, wallet.seen,
        wallet.balance, wallet.held, wallet.debt, wallet.at, wallet.head,
    )  # fmt: skip


def _posting_values(posting: Posting) -> tuple[Any, ...]:
    sides = posting.sides
    return (
        posting.member_id, posting.seq, posting.amount, posting.balance_after, posting.held_after, posting.debt_after,
        posting.contra, posting.version_id, posting.req_hash, posting.at, posting.rev_of, posting.spender_id,
        posting.value_fen, posting.ends_at, posting.effective_on, posting.part, int(posting.kind), int(sides[0]),
        int(sides[1]), posting.idem, posting.hash, _array(n for interval in posting.lots for n in interval),
        posting.ref,
    )  # fmt: skip


_ROW = "(" + ", ".join(f"%s::{'text::int8[]' if name == 'int8[]' else name}" for name in POSTING_TYPES) + ")"
_WRITE = (
    "with w as (update wallet set lot_key = %s::text::int[], lot_in = %s::text::bigint[], lot_out = %s::text::bigint[], seq = %s, "
    "seen = %s, balance = %s, held = %s, debt = %s, at = %s, head = %s "
    "where member_id = %s and seq = %s and state = %s returning 1) "
    f"insert into posting ({POSTING}) select v.* from w cross join (values {{rows}}) v"
)


def _write_one(connection: Connection, seen: Wallet, outcome: Outcome) -> bool:
    """Wallet and postings in one statement; False when somebody was first (nothing was written)."""
    statement = _WRITE.format(rows=", ".join([_ROW] * len(outcome.postings)))
    values = [*_wallet_values(outcome.wallet), seen.member_id, seen.seq, int(seen.state)]
    for posting in outcome.postings:
        values += _posting_values(posting)
    return bool(_ask(connection, statement, tuple(values)).rowcount == len(outcome.postings))


# A statement of its own: joined to the update, the planner compares every row with every other.
_LOCK_IN_ORDER = (
    "select count(*) from (select from wallet where member_id = any(%s::text::bigint[]) "
    "order by member_id for no key update) l"
)


def lock(session: Session, members: Iterable[int]) -> None:
    """Wait until nobody else is changing these members, and keep others waiting until the commit; in member order.

    For deeds that read more than the wallet and must not be overtaken: read it in a statement after this one.
    """
    _ask(database.driver(session), _LOCK_IN_ORDER, (_array(sorted(members)),))


def _write_wallets(connection: Connection, seen: dict[int, Wallet], changed: dict[int, Wallet]) -> set[int]:
    """All wallets that still are as they were seen, in one statement; the members that were written.

    Their rows are locked in member order first, so that two batches that share members never wait in a ring.
    """
    if not changed:
        return set()
    members = sorted(changed)
    rows = [changed[m] for m in members]
    lots = ['{"' + '","'.join(_array(w.lots[at]) for w in rows) + '"}' for at in range(3)]
    numbers = [
        _array(column)
        for column in zip(*((w.seq, w.seen, w.balance, w.held, w.debt) for w in rows), strict=True)
    ]
    _ask(connection, _LOCK_IN_ORDER, (_array(members),))
    found = _ask(
        connection,
        "update wallet w set lot_key = t.k::int[], lot_in = t.g::bigint[], lot_out = t.o::bigint[], seq = t.seq, "
        "seen = t.seen, balance = t.balance, held = t.held, debt = t.debt, at = t.at, head = decode(t.head, 'hex') "
        "from unnest(%s::text::text[], %s::text::text[], %s::text::text[], %s::text::bigint[], %s::text::bigint[], "
        "%s::text::bigint[], %s::text::bigint[], %s::text::bigint[], %s::text::timestamptz[], %s::text::text[], "
        "%s::text::bigint[], %s::text::bigint[], %s::text::smallint[]) "
        "t(k, g, o, seq, seen, balance, held, debt, at, head, member_id, was, state) "
        "where w.member_id = t.member_id and w.seq = t.was and w.state = t.state "
        "returning w.member_id",
        (*lots, *numbers, '{"' + '","'.join(w.at.isoformat() for w in rows) + '"}',
         _array(w.head.hex() for w in rows), _array(members), _array(seen[m].seq for m in members),
         _array(int(seen[m].state) for m in members)),
    )  # fmt: skip
    return {row[0] for row in found}


def _copy_postings(connection: Connection, rows: list[Posting]) -> None:
    if not rows:
        return
    lines = "".join(map(_copy_line, rows))
    with connection.cursor() as cursor, cursor.copy(f"copy posting ({POSTING}) from stdin") as copy:
        copy.write(lines)


def _copy_line(posting: Posting) -> str:
    """A posting as a line of COPY's text format, columns in the order of POSTING."""
    sides = posting.sides
    flat = ",".join([f"{key},{first},{count}" for key, first, count in posting.lots])
    return (
        f"{posting.member_id}\t{posting.seq}\t{posting.amount}\t{posting.balance_after}\t{posting.held_after}\t"
        f"{posting.debt_after}\t{posting.contra}\t{posting.version_id}\t{posting.req_hash}\t"
        f"{posting.at.isoformat()}\t{_null(posting.rev_of)}\t{_null(posting.spender_id)}\t"
        f"{_null(posting.value_fen)}\t{_null(posting.ends_at)}\t{posting.effective_on}\t{posting.part}\t"
        f"{posting.kind.value}\t{sides[0].value}\t{sides[1].value}\t{posting.idem}\t\\\\x{posting.hash.hex()}\t"
        f"{{{flat}}}\t{_text(posting.ref)}\n"
    )


def _null(value: object) -> str:
    return r"\N" if value is None else str(value)


def _text(value: str | None) -> str:
    if value is None:
        return r"\N"
    return value.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


def _store_empty(connection: Connection, wallets: list[Wallet]) -> None:
    _ask(connection,
        "insert into wallet (member_id, state, at, head) "
        "select * from unnest(%s::bigint[], %s::smallint[], %s::timestamptz[], %s::bytea[])",
        ([w.member_id for w in wallets], [int(w.state) for w in wallets], [w.at for w in wallets],
         [w.head for w in wallets]),
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
    """Change the state alone: points do not move, but a write that saw the earlier state will look again.

    Lines are suspended, resumed and ended in points/members/members.py, which also does what that means for the points.
    """
    _ask(
        database.driver(session), "update wallet set state = %s where member_id = %s", (int(state), member_id)
    )
