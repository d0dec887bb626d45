"""Four members of one programme, anything that can be asked of them in any order, and a plain list of lots beside each.

After every step the wallet holds what the plain list holds, its postings prove it (tests/points/proof.py), what a later
day will show is the same before and after the sweep, and all classes over all members together are zero.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from base import clock
from base.errors import Problem
from points import deeds, kinds, lots, postings
from points.deeds import Original, Request
from points.kinds import FOREVER, Kind, Side, State
from points.lots import Interval, Lots
from points.postings import Posting
from tests.points.oracle import MEMBER, ZONE, Oracle, Refused
from tests.points.proof import Proof
from tests.points.test_postings import Book
from tests.sparse import examples

SEQUENCES, STEPS = examples(250), 50
ROUNDS = 4
MET = [kind for kind in Kind if kind is not Kind.RESTORE]  # extensions: test_extended_histories.py
DAY = 86_400
TO_MIDNIGHT, TO_ITS_EVE = -1, -2
ALL = 10**9  # what can be spent
STARTS = (
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2028, 2, 28, 15, 59, 59, 999_999, UTC),  # a moment before the leap day begins in the zone
    datetime(2026, 12, 30, 20, 0, tzinfo=UTC),
)
BARRED = {
    State.FROZEN: frozenset({Kind.REDEEM, Kind.HOLD}),
    State.CLOSED: frozenset({Kind.REDEEM, Kind.HOLD, Kind.EARN, Kind.GIFT_IN}),
    State.MERGED: frozenset(Kind) - {Kind.EXPIRE},
}

who = st.integers(0, 3)
which = st.integers(0, 4)
amounts = st.sampled_from([1, 2, 7, 10, 30, 100, 100, 0, -1])
spends = st.sampled_from([1, 2, 7, 10, 30, 60, 100, ALL, 0, -1])
parts = st.sampled_from([0, 0, 1, 2, 3, 3, 7, 10, 31, -1])
lives = st.sampled_from([365, 365, 365, 60, 31, 10, 1, 0, -10])
classes = st.sampled_from([1, 2])
# how much later in seconds, and by how many seconds the asker's clock is behind
whens = st.sampled_from(
    [(0, 0)] * 10 + [(1, 0), (5 * 3600, 0), (5 * 3600, 0), (DAY, 0), (9 * DAY, 0), (40 * DAY, 0),
     (TO_MIDNIGHT, 0), (TO_ITS_EVE, 0), (0, 3600), (0, 2 * DAY)]
)  # fmt: skip


@dataclass
class Line:
    """A member: what the ledger holds, what the plain list holds, and what was asked of both."""

    book: Book
    oracle: Oracle
    proof: Proof
    made: dict[int, tuple[Kind, int]] = field(
        default_factory=dict
    )  # deeds by our number: kind, number of the posting

    @property
    def state(self) -> State:
        return self.book.wallet.state

    def become(self, state: State) -> None:
        self.book.wallet = self.book.wallet._replace(state=state)
        self.oracle.frozen = state is State.FROZEN


@dataclass
class Gift:
    """Points under way between two members."""

    giver: Line
    number: int
    sent: Posting
    arrived: bool = False


WAYS: list[st.SearchStrategy[tuple[str, dict[str, object]]]] = []


def step(often: int = 1, **drawn: st.SearchStrategy[object]):
    """A thing that may be asked, and how often among the others."""

    def kept(deed):
        WAYS.extend([st.tuples(st.just(deed.__name__), st.fixed_dictionaries(drawn))] * often)
        return deed

    return kept


class Members(RuleBasedStateMachine):
    """Everything that can be asked of wallets."""

    seen: ClassVar[Counter[str]] = Counter()

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start: datetime) -> None:
        self.now, self.number, self.gifts = start, 0, list[Gift]()
        self.lines = []
        for member_id in range(MEMBER, MEMBER + 4):
            wallet = postings.empty(member_id, State.OPEN, start)
            self.lines.append(Line(Book(wallet), Oracle(), Proof(wallet)))
        for line in self.lines[:3]:
            for points, days in ((5, 20), (5, 40), (90, 300)):
                self._earn(line, points, self._key(days, 1), (0, 0))
        self.seen["sequences"] += 1

    # What is asked

    @step(2, n=who, points=amounts, life=lives, lot_class=classes, when=whens)
    def earn(self, n, points, life, lot_class, when):
        self._earn(self.lines[n], points, self._key(life, lot_class), when)

    @step(3, n=who, points=spends, when=whens, quote=st.sampled_from([None, None, "right", "stale"]))
    def redeem(self, n, points, when, quote):
        line = self.lines[n]
        points = self._spend(line, points)
        quoted = self._quoted(line, points, when) if quote else ()
        if quote == "stale":
            quoted = (
                (Interval(quoted[0].key, quoted[0].first + 1, quoted[0].count), *quoted[1:]) if quoted else ()
            )

        def deed() -> None:
            if quote == "stale" and quoted:
                raise Refused
            line.oracle.redeem(self.number, points)

        self.ask(line, Kind.REDEEM, points, deed, when, quoted=quoted)

    @step(3, n=who, points=spends, hours=st.sampled_from([None, None, 3, 48, 0]), when=whens)
    def hold(self, n, points, hours, when):
        line = self.lines[n]
        points = self._spend(line, points)
        ends_at = None if hours is None else self._later(when) + timedelta(hours=hours)
        self.ask(line, Kind.HOLD, points, lambda: line.oracle.hold(self.number, points, ends_at), when,
                 ends_at=ends_at or FOREVER)  # fmt: skip

    @step(2, n=which, points=parts, when=whens)
    def capture(self, n, points, when):
        line, of, seq = self._earlier(Kind.HOLD, n)
        self.ask(
            line, Kind.CAPTURE, points, lambda: line.oracle.capture(self.number, of, points), when, rev_of=seq
        )

    @step(2, n=which, points=parts, when=whens)
    def release(self, n, points, when):
        line, of, seq = self._earlier(Kind.HOLD, n)
        self.ask(
            line, Kind.RELEASE, points, lambda: line.oracle.release(of, points, line.at), when, rev_of=seq
        )

    @step(2, n=which, points=parts, when=whens, kind=st.sampled_from([Kind.REDEEM, Kind.CAPTURE]))
    def reverse(self, n, points, when, kind):
        line, of, seq = self._earlier(kind, n)
        self.ask(
            line, Kind.REVERSE, points, lambda: line.oracle.reverse(of, points, line.at), when, rev_of=seq
        )

    @step(3, n=which, points=parts, when=whens)
    def unearn(self, n, points, when):
        line, of, seq = self._earlier(Kind.EARN, n)
        self.ask(line, Kind.UNEARN, points, lambda: line.oracle.unearn(of, points), when, rev_of=seq)

    @step(n=who, points=amounts, life=lives, lot_class=classes, when=whens)
    def adjust_up(self, n, points, life, lot_class, when):
        line, key = self.lines[n], self._key(life, lot_class)
        self.ask(line, Kind.ADJUST_UP, points, lambda: line.oracle.adjust_up(key, points), when, lot_key=key)

    @step(n=who, points=amounts, named=st.none() | which, when=whens)
    def adjust_down(self, n, points, named, when):
        line = self.lines[n]
        keys = line.book.wallet.lots.keys
        key = keys[named % len(keys)] if keys and named is not None else None
        self.ask(
            line,
            Kind.ADJUST_DOWN,
            points,
            lambda: line.oracle.adjust_down(key, points),
            when,
            lot_key=key or 0,
        )

    @step(2, n=which, points=parts, when=whens)
    def send_gift(self, n, points, when):
        line, of, seq = self._earlier(Kind.HOLD, n)
        number = self.number + 1
        deed = self.ask(
            line, Kind.GIFT_OUT, points, lambda: line.oracle.send(number, of, points), when, rev_of=seq
        )
        if deed is not None:
            self.gifts.append(Gift(line, number, deed))

    @step(2, n=which, to=who, when=whens)
    def gift_arrives(self, n, to, when):
        whole = [gift for gift in self._under_way() if self._left(gift) == gift.sent.amount]
        if not whole:
            return
        gift, line = whole[n % len(whole)], self.lines[to]
        brought = tuple(Interval(i.key, 0, i.count) for i in gift.sent.lots)
        pieces = [(i.key, i.count) for i in gift.sent.lots]
        if self.ask(
            line, Kind.GIFT_IN, gift.sent.amount, lambda: line.oracle.bring(pieces), when, quoted=brought
        ):
            gift.arrived, gift.giver.oracle.sent[gift.number] = True, []

    @step(2, n=which, points=parts, when=whens)
    def gift_comes_back(self, n, points, when):
        if not (gifts := self._under_way()):
            return
        gift = gifts[n % len(gifts)]
        line = gift.giver
        self.ask(line, Kind.GIFT_RETURN, points, lambda: line.oracle.come_back(gift.number, points), when,
                 rev_of=gift.sent.seq)  # fmt: skip

    @step(n=who, when=whens)
    def sweep(self, n, when):
        self.ask(self.lines[n], Kind.EXPIRE, 0, lambda: None, when)

    @step(n=who)
    def suspend(self, n):
        if self.lines[n].state is State.OPEN:
            self.lines[n].become(State.FROZEN)

    @step(n=who, when=whens)
    def resume(self, n, when):
        frozen = [line for line in self.lines if line.state is State.FROZEN]
        if not frozen:
            return
        line = frozen[n % len(frozen)]
        self.ask(line, Kind.REDATE_OUT, 0, line.oracle.redate, when)
        line.become(State.OPEN)

    @step(n=who)
    def close(self, n):
        only = all(line.state is not State.CLOSED for line in self.lines)
        if only and self.number > 25 and self.lines[n].state is State.OPEN and not self.lines[n].oracle.holds:
            self.lines[n].become(State.CLOSED)

    @step(n=who, when=whens)
    def clear(self, n, when):
        closed = [line for line in self.lines if line.state is State.CLOSED]
        line = closed[0] if closed else self.lines[n]
        deed = line.oracle.clear if closed else self._never
        self.ask(line, Kind.CLOSE_OUT, 0, deed, when)

    @step(5, n=which, into=who, when=whens)
    def merge(self, n, into, when):
        indebted = sorted(self.lines, key=lambda line: not line.oracle.debt)
        old, survivor = indebted[max(0, n - 1)], self.lines[into]
        early = self.number < 35 and not old.oracle.debt
        if early or old is survivor or State.CLOSED in (old.state, survivor.state):
            return
        if any(line.state is State.MERGED for line in self.lines):
            return
        left: list[tuple[list[tuple[int, int]], int]] = []
        before = len(old.book.rows)
        done = self.ask(old, Kind.MERGE_OUT, 0, lambda: left.append(old.oracle.leave()), when)
        if not left:
            assert done is None
            return
        old.become(State.MERGED)
        pieces, debt = left[0]
        moved = [row for row in old.book.rows[before:] if row.kind is Kind.MERGE_OUT]
        if pieces:
            brought = tuple(Interval(i.key, 0, i.count) for i in moved[0].lots)
            self.ask(
                survivor,
                Kind.MERGE_IN,
                moved[0].amount,
                lambda: survivor.oracle.bring(pieces),
                (0, 0),
                quoted=brought,
            )
        if debt:
            self.ask(survivor, Kind.MERGE_DEBT_IN, debt, lambda: survivor.oracle.take_over(debt), (0, 0))

    @step(n=who, of=st.integers(0, 30), kind=st.sampled_from(sorted(kinds.FOLLOWS)), when=whens)
    def refer_to_what_does_not_fit(self, n, of, kind, when):
        line = self.lines[n]
        others = [row.seq for row in line.book.rows if row.kind not in kinds.FOLLOWS[kind]] + [10**6]
        self.ask(line, kind, 0, self._never, when, rev_of=others[of % len(others)])

    @step(
        n=who,
        kind=st.sampled_from([Kind.OWE, Kind.REPAY, Kind.TIMEOUT, Kind.MERGE_DEBT_OUT, Kind.REDATE_IN]),
        when=whens,
    )
    def ask_for_what_only_falls_due(self, n, kind, when):
        self.ask(self.lines[n], kind, 1, self._never, when, rev_of=1)

    @rule(step=st.sampled_from(WAYS).flatmap(lambda way: way))
    def asked(self, step):
        name, drawn = step
        getattr(self, name)(**drawn)

    # What must hold

    def ask(self, line, kind, points, deed: Callable[[], None], when, **more) -> Posting | None:
        """Ask the ledger and the plain list the same; both do it or both refuse, and then nothing is changed."""
        self.number += 1
        self.now = self._later(when)
        before, rows = line.book.wallet, len(line.book.rows)
        request = Request(before.member_id, UUID(int=self.number), kind, points, self.now - timedelta(seconds=when[1]),
                          ZONE, **more)  # fmt: skip
        line.at = max(request.at, before.at)  # a clock that is behind does not turn the member's time back

        def allowed(_: Oracle) -> None:
            if points < 0 or kind in BARRED.get(line.state, ()):
                raise Refused
            deed()

        try:
            line.oracle.do(allowed, line.at)
        except Refused:
            with pytest.raises(Problem):
                line.book.do(request)
            assert (line.book.wallet, len(line.book.rows)) == (before, rows)
            self.seen[f"refused {kind.name}"] += 1
            return None
        outcome = line.book.do(request)
        for row in outcome.postings:
            assert row.at == line.at
            line.proof.add(row)
            self.seen[row.kind.name] += 1
        done = next((row for row in outcome.postings if row.kind is kind), None)
        if done is not None:
            line.made[self.number] = (kind, done.seq)
        elif kind is Kind.UNEARN:  # all of it was spent
            assert [row.kind for row in outcome.postings][-1] is Kind.OWE
        self._is_as_in_the_plain_list(line)
        return done

    def _is_as_in_the_plain_list(self, line: Line) -> None:
        wallet, oracle, on = line.book.wallet, line.oracle, clock.day(line.at, ZONE)
        line.proof.agrees_with(wallet)
        left = {k: g - t for k, g, t in zip(*wallet.lots, strict=True) if g > t}
        assert left == {k: n for k, n in oracle.lots.items() if n}
        assert (wallet.held, wallet.debt) == (oracle.held, oracle.debt)
        assert lots.live(wallet.lots, on) == oracle.live(on)
        if not line.oracle.frozen:
            self._a_later_day_shows_the_same_after_the_sweep(line, on)
        sides = line.proof.sides
        assert (sides[Side.LAPSED], sides[Side.REDEEMED]) == (oracle.lapsed, oracle.spent)
        assert (-sides[Side.ISSUED], -sides[Side.ADJUSTED]) == (oracle.earned, oracle.adjusted)

    @staticmethod
    def _a_later_day_shows_the_same_after_the_sweep(line: Line, on) -> None:
        wallet = line.book.wallet
        for days in (1, 11, 32):
            later = on + timedelta(days=days)
            sweep = Request(wallet.member_id, UUID(int=0), Kind.EXPIRE, 0, clock.start_of(later, ZONE), ZONE)
            swept = deeds.run(wallet, sweep).wallet
            assert lots.live(wallet.lots, later) == swept.balance == line.oracle.live(later)

    @invariant()
    def all_classes_together_are_zero(self) -> None:
        self.seen["steps"] += 1
        sides = Counter[Side]()
        for line in self.lines:
            for side, points in line.proof.sides.items():
                sides[side] += points
        assert sum(sides.values()) == 0
        assert sides[Side.TRANSIT] == sum(self._left(gift) for gift in self.gifts)

    # How it is asked

    def _earn(self, line: Line, points: int, key: int, when) -> None:
        self.ask(line, Kind.EARN, points, lambda: line.oracle.bill(self.number, key, points, line.at), when,
                 lot_key=key)  # fmt: skip

    @staticmethod
    def _spend(line: Line, points: int) -> int:
        return line.book.wallet.balance if points == ALL else points

    def _key(self, days: int, lot_class: int) -> int:
        return lots.key(clock.day(self.now, ZONE) + timedelta(days=days), lot_class)

    def _later(self, when) -> datetime:
        seconds = when[0]
        if seconds >= 0:
            return self.now + timedelta(seconds=seconds)
        midnight = clock.start_of(clock.day(self.now, ZONE) + timedelta(days=1), ZONE)
        eve = midnight - timedelta(microseconds=1)
        return midnight if seconds == TO_MIDNIGHT or self.now >= eve else eve

    def _quoted(self, line: Line, points: int, when) -> tuple[Interval, ...]:
        at = max(self._later(when) - timedelta(seconds=when[1]), line.book.wallet.at)
        sure = Request(MEMBER, UUID(int=0), Kind.REDEEM, points, at, ZONE)
        if points < 1 or line.book.known(sure).overdue:
            return ()
        _, taken = lots.take(line.book.wallet.lots, points, clock.day(at, ZONE))
        return taken

    def _earlier(self, kind: Kind, n: int) -> tuple[Line, int, int]:
        """A deed of a kind, the latest first, of a line that is not closed; else one that is not there."""
        found = [
            (line, number, seq)
            for line in self.lines
            if line.state is not State.CLOSED
            for number, (what, seq) in line.made.items()
            if what is kind
        ]
        found.sort(key=lambda one: -one[1])
        return found[n % len(found)] if found else (self.lines[0], 10**9, 10**9)

    def _under_way(self) -> list[Gift]:
        return [gift for gift in self.gifts if self._left(gift) and gift.giver.state is not State.CLOSED]

    @staticmethod
    def _left(gift: Gift) -> int:
        return sum(count for _, count in gift.giver.oracle.sent[gift.number])

    @staticmethod
    def _never() -> None:
        raise Refused


def machine(sequences: int, steps: int = STEPS, **more) -> settings:
    return settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        **more,
    )


@pytest.mark.timeout(300)
def test_whatever_is_asked_in_any_order_the_wallets_are_those_of_a_plain_list_of_lots():
    seen = Members.seen = Counter()
    asked = deeds._DEEDS.keys() - {
        Kind.REDATE_OUT,
        Kind.GIFT_IN,
        Kind.MERGE_IN,
        Kind.MERGE_DEBT_IN,
        Kind.RESTORE,
    }
    not_met: list[str] = []

    for _ in range(ROUNDS):  # chance may leave a rare deed out; not so often in a row
        run_machine(Members, settings=machine(SEQUENCES))
        not_met = [kind.name for kind in MET if not seen[kind.name]]
        not_met += [f"refused {kind.name}" for kind in asked if not seen[f"refused {kind.name}"]]
        if not not_met:
            break

    assert seen["sequences"] >= SEQUENCES
    assert seen["steps"] >= SEQUENCES * STEPS * 4 // 5  # Hypothesis cuts some short
    assert not_met == []


# The machine can fail: with any one of these bugs in the core it does.


def without(deed: Callable[..., Iterator[deeds.Step]], kind: Kind) -> Callable[..., Iterator[deeds.Step]]:
    """The deed that forgets one of its postings."""
    return lambda scene: (step for step in deed(scene) if step[0] is not kind)


def latest_first(
    pot: Lots, points: int, on: date, calendar: object = ()
) -> tuple[Lots, tuple[Interval, ...]]:
    found, rest = [], points
    for key in reversed([key for key in pot.keys if lots.last_day(key) >= on]):
        pot, taken = lots.take_from(pot, key, rest)
        found += taken
        rest -= sum(i.count for i in taken)
    return pot, tuple(found)


def numbered_from_zero(pot: Lots, key: int, count: int) -> tuple[Lots, Interval]:
    return TRUE_GIVE(pot, key, count)[0], Interval(key, 0, count)


TRUE_GIVE = lots.give
BUGS: dict[str, tuple[object, str, object]] = {
    "the points that lapse last are spent first": (lots, "take", latest_first),
    "points that lapsed stay": (lots, "take_lapsed", lambda pot, on, calendar: (pot, ())),
    "points come back to a lapsed lot": (lots, "landing", lambda key, on, **more: key),
    "points come back for longer than stated": (
        lots, "landing", lambda key, on, **more: key if key >= lots.first_live(on) else lots.key(on + timedelta(days=60), lots.lot_class(key)),
    ),
    "the first-taken points come back first": (lots, "tail_of", lots.head_of),
    "the last-taken points are captured first": (lots, "head_of", lots.tail_of),
    "numbers of points are used twice": (lots, "give", numbered_from_zero),
    "points that are set aside can be spent": (postings, "EFFECT", postings.EFFECT | {Kind.HOLD: (0, 1, 0)}),
    "a reversal knows nothing of the ones before": (Original, "open", property(lambda self: self.posting.amount)),
    "the day is that of Greenwich": (deeds, "clock", SimpleNamespace(day=lambda at, zone: at.date())),
    "the clock runs back": (deeds, "max", lambda first, second: first),
    "a frozen line spends": (deeds, "_allowed", lambda state, kind: None),
    "what was spent already is not owed": (deeds, "_DEEDS", deeds._DEEDS | {Kind.UNEARN: without(deeds._unearn, Kind.OWE)}),
    "what is owed is not repaid": (deeds, "_DEEDS", deeds._DEEDS | {Kind.EARN: without(deeds._earn, Kind.REPAY)}),
    "a debt is left behind": (deeds, "_DEEDS", deeds._DEEDS | {Kind.MERGE_OUT: without(deeds._merge_out, Kind.MERGE_DEBT_OUT)}),
    "anything can be reversed": (deeds, "FOLLOWS", dict.fromkeys(kinds.FOLLOWS, frozenset(Kind))),
}  # fmt: skip


def fails(sequences: int) -> bool:
    try:
        run_machine(Members, settings=machine(sequences, phases=(Phase.generate,), derandomize=True))
    except (Exception, pytest.fail.Exception):
        return True
    return False


def test_the_machine_is_green_without_a_bug():
    assert not fails(20)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", BUGS)
def test_the_machine_finds(bug, monkeypatch):
    monkeypatch.setattr(*BUGS[bug], raising=False)

    assert fails(3 * SEQUENCES)
