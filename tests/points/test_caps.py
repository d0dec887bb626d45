"""Caps of spenders: the pure rule against a plain list, and the ledger's shell against the pure rule."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.wiring import wire
from base import clock, database, ids
from base.database import StillRunning
from base.errors import Problem
from points import deeds, ledger
from points.caps import RETURNS, SPENDS, Allowance, month, next_month
from points.deeds import Known, Request
from points.groups import groups
from points.groups.models import Contact, Group, Spender
from points.kinds import FOREVER, Kind
from points.ledger import Answer
from points.refusals import NotEnoughPoints, OverCap, SpendingNotAllowed
from tests.points.oracle import FOLLOW_UPS, START, ZONE, Spendings, asked_for, in_days, request, steps
from tests.points.test_ledger import ask, at_once, given_wallet, post, post_many, told, wallet
from tests.points.test_postings import Book
from tests.sparse import examples

ANN, BEN = 1001, 1002
CAPS = {ANN: 60, BEN: 150}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
END_OF_JANUARY = datetime(2026, 1, 31, 15, 59, 59, tzinfo=UTC)  # a second before midnight in the zone


def histories(most: int = 30) -> st.SearchStrategy[list]:
    return st.lists(
        steps((Kind.REDEEM, Kind.REDEEM, Kind.HOLD, Kind.HOLD, *FOLLOW_UPS)), min_size=5, max_size=most
    )


@dataclass
class GroupBook(Book):
    """The ledger's shell in miniature, with the caps of spenders."""

    caps: dict[int, int] = field(default_factory=lambda: dict(CAPS))

    def known(self, request: Request) -> Known:
        known = super().known(request)
        if request.spender_id not in self.caps:
            return known
        on = month(clock.day(max(request.at, self.wallet.at), ZONE))
        return known._replace(
            allowance=Allowance(self.caps[request.spender_id], self.spent(request.spender_id, on))
        )

    def spent(self, spender_id: int, of_month: date) -> int:
        by_seq, total = {row.seq: row for row in self.rows}, 0
        for row in self.rows:
            if row.spender_id != spender_id or row.kind not in SPENDS | RETURNS:
                continue
            root = row
            while root.rev_of is not None:
                root = by_seq[root.rev_of]
            if month(root.effective_on) == of_month:
                total += row.amount if row.kind in SPENDS else -row.amount
        return total


def given_group_book() -> GroupBook:
    book = GroupBook()
    book.do(request(10**6, Kind.EARN, 10**6, lot_key=in_days(3650)))
    return book


def run_in_memory(history: list) -> tuple[list[Request], list, Spendings]:
    """The requests of a history, what the pure core makes of each, and the plain list at its end."""
    book, plain, at = given_group_book(), Spendings(dict(CAPS)), START
    made: dict[int, tuple[Kind, int]] = {}
    requests, came = [], []
    for number, step in enumerate(history):
        at += step.later
        asked, of = asked_for(made, number, step, at)
        if step.kind in SPENDS:
            asked = asked._replace(spender_id=ANN if step.lot_class == 1 else BEN)
        requests.append(asked)
        plain.due(at)
        allowed = (
            step.kind not in SPENDS or not step.points or plain.may(asked.spender_id or 0, step.points, at)
        )
        before = len(book.rows)
        try:
            deed = book.do(asked).deed
        except Problem as refusal:
            deed, refused = None, refusal
        assert allowed is not (deed is None and isinstance(refused, OverCap))
        if deed is None:
            event(f"refused {type(refused).__name__}")
            came.append(told(refused))
            continue
        event(f"done {step.kind.name}")
        came.append(told(Answer(tuple(book.rows[before:]), replayed=False)))
        made[number] = (step.kind, deed.seq)
        if step.kind in SPENDS:
            plain.take(number, asked)
        else:
            plain.follow(number, of, step.kind, deed.amount)
    last = request(10**6 + 1, Kind.EXPIRE, 0, at)
    requests.append(last)
    came.append(told(Answer(book.do(last).postings, replayed=False)))
    plain.due(at)
    for (spender, year, number), points in plain.all().items():
        assert book.spent(spender, date(year, number, 1)) == points
    return requests, came, plain


@settings(max_examples=examples(200), deadline=None)
@given(histories())
def test_whatever_happens_a_spender_takes_no_more_in_a_month_than_the_cap(history):
    _, _, plain = run_in_memory(history)

    assert all(points <= CAPS[spender] for (spender, _, _), points in plain.all().items())


def given_group_wallet(caps: dict[int, int], points: int = 10**6) -> int:
    """A group's wallet, and contacts of it who may spend."""
    group_id = given_wallet()
    with database.begin() as session:
        session.add(Group(member_id=group_id, programme_id=1, since=START, group_class="a", name="Group"))
        for member_id in caps:
            session.add(
                Contact(member_id=group_id, contact_id=member_id, entry_id=1, since=START, rank="middle")
            )
    for member_id, cap in caps.items():
        set_cap(group_id, member_id, cap)
    post(ask(group_id, "first", Kind.EARN, points, lot_key=in_days(3650)))
    return group_id


def set_cap(group_id: int, spender_id: int, cap: int | None) -> None:
    with database.begin() as session:
        change_cap(session, group_id, spender_id, cap)


def change_cap(session: Session, group_id: int, spender_id: int, cap: int | None) -> None:
    """The present row ends; with a cap another one begins."""
    groups.end(session, Spender, group_id, Spender.spender_id == spender_id, START)
    if cap is not None:
        session.add(
            Spender(
                member_id=group_id, spender_id=spender_id, entry_id=ids.new_id(), cap_points=cap, since=START
            )
        )
        session.flush()


def spent(group_id: int) -> dict[tuple[int, int, int], int]:
    """What the table says, as the plain list says it."""
    with database.begin() as session:
        rows = session.execute(
            text("select spender_id, month, points from spent where member_id = :g and points > 0"),
            {"g": group_id},
        )
        return {(row[0], row[1].year, row[1].month): row[2] for row in rows}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(20), st.lists(st.integers(1, 6), min_size=30, max_size=30))
def test_one_by_one_and_in_batches_the_caps_hold_as_in_the_plain_list(db, history, sizes):
    requests, expected, plain = run_in_memory(history)
    single, batched = given_group_wallet(CAPS), given_group_wallet(CAPS)

    came_single = []
    for asked in requests:
        try:
            came_single.append(told(post(asked._replace(member_id=single))))
        except Problem as refusal:
            came_single.append(told(refusal))
    came_batched, rest = [], [asked._replace(member_id=batched) for asked in requests]
    for size in sizes:
        came_batched += [told(answer) for answer in post_many(*rest[:size])]
        rest = rest[size:]

    assert came_single == expected
    assert came_batched == expected
    assert spent(single) == spent(batched) == plain.all()


# One by one


def spend(group_id: int, name: str, points: int, at: datetime = START, *, by: int = ANN, **more) -> Request:
    kind = more.pop("kind", Kind.REDEEM)
    return ask(group_id, name, kind, points, at, spender_id=by, **more)


def test_over_the_cap_is_refused_with_what_is_left_and_when_it_begins_anew(db):
    group_id = given_group_wallet(CAPS)
    post(spend(group_id, "one", 45))

    with pytest.raises(OverCap) as refused:
        post(spend(group_id, "two", 16))

    assert refused.value.facts == {"left": 15, "cap": 60, "resets_on": "2026-02-01"}
    assert post(spend(group_id, "third", 15)).postings[0].spender_id == ANN
    assert spent(group_id) == {(ANN, 2026, 1): 60}


def test_the_month_ends_at_midnight_of_the_programme(db):
    group_id = given_group_wallet(CAPS)

    post(spend(group_id, "in january", 60, END_OF_JANUARY))
    with pytest.raises(OverCap):
        post(spend(group_id, "one more", 1, END_OF_JANUARY))
    post(spend(group_id, "in february", 60, END_OF_JANUARY + timedelta(seconds=1)))

    assert spent(group_id) == {(ANN, 2026, 1): 60, (ANN, 2026, 2): 60}


def test_what_comes_back_lowers_the_month_it_was_taken_in_and_no_other(db):
    group_id = given_group_wallet(CAPS)
    seq = post(spend(group_id, "in january", 50, END_OF_JANUARY)).seq
    february = END_OF_JANUARY + DAY
    post(spend(group_id, "in february", 60, february))

    back = post(ask(group_id, "back", Kind.REVERSE, 20, february, rev_of=seq))

    assert back.postings[0].spender_id == ANN
    assert spent(group_id) == {(ANN, 2026, 1): 30, (ANN, 2026, 2): 60}
    with pytest.raises(OverCap):
        post(spend(group_id, "no more in february", 1, february))


def test_a_capture_moves_nothing_and_its_reversal_lowers_the_month_of_the_hold(db):
    group_id = given_group_wallet(CAPS)
    february = END_OF_JANUARY + DAY
    hold = post(spend(group_id, "hold", 50, END_OF_JANUARY, kind=Kind.HOLD, ends_at=FOREVER)).seq

    capture = post(ask(group_id, "capture", Kind.CAPTURE, 40, february, rev_of=hold)).seq
    assert spent(group_id) == {(ANN, 2026, 1): 50}
    post(ask(group_id, "release", Kind.RELEASE, 0, february, rev_of=hold))
    assert spent(group_id) == {(ANN, 2026, 1): 40}
    back = post(ask(group_id, "back", Kind.REVERSE, 0, february, rev_of=capture))

    assert spent(group_id) == {}
    assert {p.spender_id for p in back.postings} == {ANN}


def test_a_hold_that_has_run_out_leaves_its_points_to_the_same_spender_at_once(db):
    group_id = given_group_wallet(CAPS)
    post(spend(group_id, "hold", 60, kind=Kind.HOLD, ends_at=START + HOUR))

    with pytest.raises(OverCap):
        post(spend(group_id, "too early", 1))
    answer = post(spend(group_id, "later", 60, START + HOUR))

    assert [(p.kind, p.spender_id) for p in answer.postings] == [(Kind.TIMEOUT, ANN), (Kind.REDEEM, ANN)]
    assert spent(group_id) == {(ANN, 2026, 1): 60}


def test_a_cap_lowered_below_what_was_spent_leaves_nothing_and_a_raised_one_the_rest(db):
    group_id = given_group_wallet(CAPS)
    seq = post(spend(group_id, "one", 50)).seq

    set_cap(group_id, ANN, 20)
    with pytest.raises(OverCap) as refused:
        post(spend(group_id, "two", 1))
    assert refused.value.facts["left"] == 0
    post(ask(group_id, "back", Kind.REVERSE, 40, rev_of=seq))
    post(spend(group_id, "what is left of the lowered one", 10))
    set_cap(group_id, ANN, 100)
    post(spend(group_id, "third", 80))

    assert spent(group_id) == {(ANN, 2026, 1): 100}


def test_somebody_who_is_no_spender_or_no_more_is_refused(db):
    group_id = given_group_wallet(CAPS)
    set_cap(group_id, ANN, None)

    for stranger in (ANN, 5):
        with pytest.raises(SpendingNotAllowed):
            post(spend(group_id, f"by {stranger}", 1, by=stranger))
        assert [type(a) for a in post_many(spend(group_id, f"by {stranger}", 1, by=stranger))] == [
            SpendingNotAllowed
        ]
    assert wallet(group_id).balance == 10**6


def test_a_cap_creates_no_points(db):
    group_id = given_group_wallet({ANN: 1000}, points=10)

    with pytest.raises(NotEnoughPoints):
        post(spend(group_id, "more than there is", 11))
    assert spent(group_id) == {}


def test_several_requests_of_one_spender_in_one_batch_share_the_cap(db):
    group_id, other = given_group_wallet(CAPS), given_group_wallet(CAPS)

    answers = post_many(
        *(spend(group_id, f"ann {n}", 20) for n in range(4)),
        *(spend(group_id, f"ben {n}", 70, by=BEN) for n in range(3)),
        spend(other, "elsewhere", 60),
    )

    assert [type(a).__name__ for a in answers] == [
        *["Answer"] * 3,
        "OverCap",
        *["Answer"] * 2,
        "OverCap",
        "Answer",
    ]
    assert spent(group_id) == {(ANN, 2026, 1): 60, (BEN, 2026, 1): 140}
    assert spent(other) == {(ANN, 2026, 1): 60}


def test_one_key_for_two_spenders_in_a_batch_is_the_first_ones_and_after_its_refusal_the_seconds(db):
    group_id, other = given_group_wallet(CAPS), given_group_wallet(CAPS)

    taken = post_many(spend(group_id, "key", 50), spend(group_id, "key", 150, by=BEN))
    after_a_refusal = post_many(spend(other, "key", 100), spend(other, "key", 100, by=BEN))

    assert [type(a).__name__ for a in taken] == ["Answer", "KeyReused"]
    assert [type(a).__name__ for a in after_a_refusal] == ["OverCap", "Answer"]
    assert (spent(group_id), spent(other)) == ({(ANN, 2026, 1): 50}, {(BEN, 2026, 1): 100})


def test_a_request_in_a_transaction_of_its_own_keeps_to_the_cap_too(db):
    group_id = given_group_wallet(CAPS)

    answer = ledger.post_alone(spend(group_id, "alone", 45))
    back = ledger.post_alone(ask(group_id, "back", Kind.REVERSE, 5, rev_of=answer.seq))

    with pytest.raises(OverCap):
        ledger.post_alone(spend(group_id, "over", 21))
    assert (answer.postings[0].spender_id, back.postings[0].spender_id) == (ANN, ANN)
    assert spent(group_id) == {(ANN, 2026, 1): 40}


def test_a_repeated_request_counts_once(db):
    group_id = given_group_wallet(CAPS)
    asked = spend(group_id, "once", 40)

    answers = [post(asked), post(asked), *post_many(asked, asked)]

    assert [answer.replayed for answer in answers if isinstance(answer, Answer)] == [False, True, True, True]
    assert spent(group_id) == {(ANN, 2026, 1): 40}


# At once


def persistently(request: Request) -> Answer:
    """Ask again under the same key where a slow machine says "still running"."""
    while True:
        try:
            return post(request)
        except StillRunning:
            continue


def test_twenty_redemptions_at_once_against_a_cap_of_ten_make_ten(db):
    wire(db, pool_size=24)  # a connection for each
    group_id = given_group_wallet({ANN: 100})

    answers = at_once(20, lambda n: persistently(spend(group_id, f"at once {n}", 10)))

    assert sorted({type(a).__name__ for a in answers}) == ["Answer", "OverCap"]
    assert sum(isinstance(a, Answer) for a in answers) == 10
    assert spent(group_id) == {(ANN, 2026, 1): 100}


def test_batches_at_once_share_the_cap_too(db):
    group_id = given_group_wallet({ANN: 100, BEN: 100})

    answers = at_once(
        6,
        lambda n: post_many(
            *(spend(group_id, f"{n} {m}", 10, by=BEN if m % 2 else ANN) for m in range(8)),
        ),
    )

    flat = [a for batch in answers for a in batch]
    assert sum(isinstance(a, Answer) for a in flat) == 20
    assert {type(a).__name__ for a in flat} == {"Answer", "OverCap"}
    assert spent(group_id) == {(ANN, 2026, 1): 100, (BEN, 2026, 1): 100}


def test_two_spenders_race_for_the_last_points(db):
    group_id = given_group_wallet({ANN: 100, BEN: 100}, points=100)

    answers = at_once(8, lambda n: post(spend(group_id, f"race {n}", 60, by=BEN if n % 2 else ANN)))

    assert sum(isinstance(a, Answer) for a in answers) == 1
    assert {type(a).__name__ for a in answers} <= {"Answer", "NotEnoughPoints", "OverCap"}
    assert sum(spent(group_id).values()) == 60
    assert wallet(group_id).balance == 40


def test_a_change_of_the_cap_waits_for_who_has_read_the_old_one(db):
    group_id = given_group_wallet({ANN: 60})
    with database.begin() as session:
        ledger.post(session, spend(group_id, "under way", 60))
        with pytest.raises(
            Problem
        ) as waited:  # it gives up after the lock time-out, for this test does not end
            set_cap(group_id, ANN, 10)

    assert type(waited.value).__name__ == "StillRunning"
    set_cap(group_id, ANN, 10)
    with pytest.raises(OverCap):
        post(spend(group_id, "after it", 1))


def test_who_asks_while_the_cap_changes_waits_and_hears_of_the_new_one(db):
    group_id = given_group_wallet({ANN: 60})
    with ThreadPoolExecutor(1) as other:
        with database.begin() as session:
            change_cap(session, group_id, ANN, 100)
            waiting = other.submit(post, spend(group_id, "meanwhile", 90))
            until_somebody_waits()

        assert isinstance(waiting.result(10), Answer)

    assert spent(group_id) == {(ANN, 2026, 1): 90}


def test_who_asks_while_a_spender_ends_waits_and_is_refused(db):
    group_id = given_group_wallet({ANN: 60})
    with ThreadPoolExecutor(1) as other:
        with database.begin() as session:
            change_cap(session, group_id, ANN, None)
            waiting = other.submit(post, spend(group_id, "meanwhile", 1))
            until_somebody_waits()

        assert isinstance(waiting.exception(10), SpendingNotAllowed)


def until_somebody_waits() -> None:
    """Another connection of ours waits for a lock (for at most a second: then it gives up)."""
    for _ in range(200):
        with database.begin() as session:
            if session.scalar(text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")):
                return
        time.sleep(0.005)


def test_a_spender_ended_in_the_middle_spends_nothing_after_it(db):
    group_id = given_group_wallet({ANN: 10**6})

    def deed(n: int) -> object:
        if n == 7:
            set_cap(group_id, ANN, None)
            return None
        return [post(spend(group_id, f"{n} {m}", 1)) for m in range(3)]

    answers = at_once(8, deed)

    with pytest.raises(SpendingNotAllowed):
        post(spend(group_id, "afterwards", 1))
    assert {type(a).__name__ for a in answers} <= {"NoneType", "list", "SpendingNotAllowed"}


# The pure rule


def test_who_is_not_known_as_a_spender_is_refused_before_anything_is_counted():
    book = given_group_book()

    with pytest.raises(SpendingNotAllowed):
        deeds.run(book.wallet, request(1, Kind.REDEEM, 1, spender_id=5))
    with pytest.raises(SpendingNotAllowed):
        deeds.run(book.wallet, request(1, Kind.HOLD, 1, spender_id=5, ends_at=FOREVER))


def test_what_ran_out_of_another_spender_or_of_another_month_leaves_nothing_more():
    book = given_group_book()
    until = END_OF_JANUARY + timedelta(seconds=1)
    book.do(request(1, Kind.HOLD, 150, END_OF_JANUARY, spender_id=BEN, ends_at=until))
    book.do(request(2, Kind.HOLD, 60, END_OF_JANUARY, spender_id=ANN, ends_at=until))

    with pytest.raises(OverCap) as refused:
        book.do(request(3, Kind.REDEEM, 61, until, spender_id=ANN))
    assert refused.value.facts["left"] == 60


@pytest.mark.parametrize(
    ("on", "first", "following"),
    [
        (date(2026, 1, 1), date(2026, 1, 1), date(2026, 2, 1)),
        (date(2026, 1, 31), date(2026, 1, 1), date(2026, 2, 1)),
        (date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1)),
        (date(2026, 11, 30), date(2026, 11, 1), date(2026, 12, 1)),
        (date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
    ],
)
def test_a_month_is_its_first_day(on, first, following):
    assert (month(on), next_month(on)) == (first, following)


def test_a_spenders_name_is_part_of_what_is_asked(db):
    group_id = given_group_wallet(CAPS)
    post(spend(group_id, "same key", 1))

    with pytest.raises(Problem) as refused:
        post(spend(group_id, "same key", 1, by=BEN))

    assert type(refused.value).__name__ == "KeyReused"
