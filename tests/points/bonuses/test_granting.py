"""Bonuses by the rule: given once, within caps and budget whoever comes at once, refused by name, explained."""

from datetime import UTC, date, datetime, timedelta
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from base import clock, database
from base.errors import Problem
from points import ledger, policies
from points.bonuses import granting, room
from points.bonuses.refusals import (
    BadBonus,
    BonusCapReached,
    BonusNotForMember,
    BonusNotRunning,
    BonusRuleUnknown,
    BudgetUsedUp,
    NeedsTwoPersons,
    NotTheOccasion,
)
from points.kinds import Kind
from points.lines.states import LineState
from points.members import attributes
from points.members.members import MemberUnknown
from points.models import PostingRow, Programme
from points.programmes import ProgrammeClosed
from points.refusals import MemberClosed, MemberMerged
from tests.given import ZONE, given_bonus_rule, given_member, given_merged, given_programme
from tests.owner import owner
from tests.points.bonuses.giving import (
    balance,
    bonuses,
    budget_left,
    give,
    give_many,
    named,
    refused,
    set_birthday,
    today,
    wanted,
)
from tests.points.lines.telling import tell
from tests.points.test_ledger import at_once

DAY = timedelta(days=1)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme)


def test_a_bonus_is_one_posting_into_the_lot_of_its_class(programme, member_id):
    rule = given_bonus_rule(programme)

    given = give(programme, member_id)

    with database.begin() as session:
        posting = session.get_one(PostingRow, (member_id, given.seq))
    expires = policies.month_end(today(), 12)
    assert (given.points, given.last_day, given.nth, given.repeated) == (10, expires, 1, False)
    assert (posting.kind, posting.amount, posting.version_id) == (Kind.EARN, 10, rule.rule_id)
    assert posting.ref == "bonus survey"
    assert balance(member_id) == 10


def test_a_survey_answered_twice_is_one_bonus_whatever_the_day(programme, member_id):
    given_bonus_rule(programme)

    first, second = give(programme, member_id), give(programme, member_id, on=today() - DAY)

    assert (second.repeated, second.seq, second.on, second.points) == (True, first.seq, first.on, 10)
    assert (balance(member_id), bonuses()) == (10, 1)


def test_the_caps_of_a_member_count_over_all_versions_of_the_campaign(programme, member_id):
    caps = {"most_per_member": 3, "most_per_member_day": 2}
    given_bonus_rule(programme, **caps)
    give(programme, member_id, "1")
    give(programme, member_id, "2")
    of_day = refused(programme, member_id, "3")
    given_bonus_rule(programme, from_day=today() + DAY, points=5, **caps)

    with clock.stopped(clock.now() + DAY):
        later = give(programme, member_id, "3")
        in_all = refused(programme, member_id, "4")

    assert isinstance(of_day, BonusCapReached)
    assert isinstance(in_all, BonusCapReached)
    facts = {"rule": "survey", "cap": "member-day", "most": 2, "resets_on": (today() + DAY).isoformat()}
    assert of_day.facts == facts
    assert in_all.facts == {"rule": "survey", "cap": "member", "most": 3, "resets_on": None}
    assert (later.points, later.nth, later.nth_of_day, balance(member_id)) == (5, 3, 1, 25)


def test_a_cap_for_all_members_counts_a_day_and_begins_anew_with_the_next(db, programme):
    given_bonus_rule(programme, most_per_day=2)
    people = [given_member(db, programme) for _ in range(3)]
    for member_id in people[:2]:
        give(programme, member_id)

    full, yesterday = refused(programme, people[2]), give(programme, people[2], "Y", on=today() - DAY)

    assert full.facts == {
        "rule": "survey", "cap": "day", "most": 2, "resets_on": (today() + DAY).isoformat(),
    }  # fmt: skip
    assert (yesterday.points, balance(people[2])) == (10, 10)


def test_a_budget_stops_at_zero_and_leaves_nothing_behind_of_what_it_refuses(db, programme):
    rule = given_bonus_rule(programme, budget_points=25)
    people = [given_member(db, programme) for _ in range(3)]
    for member_id in people[:2]:
        give(programme, member_id)

    refusal = refused(programme, people[2])

    assert isinstance(refusal, BudgetUsedUp)
    assert (budget_left(rule.rule_id), balance(people[2]), bonuses()) == (5, 0, 2)


def test_a_budget_of_nothing_ends_a_campaign_and_a_later_version_brings_another(programme, member_id):
    given_bonus_rule(programme, budget_points=100)
    given_bonus_rule(programme, from_day=today() + DAY, budget_points=0)
    given_bonus_rule(programme, from_day=today() + 2 * DAY, budget_points=10)

    with clock.stopped(clock.now() + DAY):
        ended = refused(programme, member_id)
    with clock.stopped(clock.now() + 2 * DAY):
        again = give(programme, member_id)

    assert (type(ended), again.points) == (BudgetUsedUp, 10)


# Whom, and when


def test_whom_a_rule_is_for_is_asked_of_the_day(db, programme):
    given_bonus_rule(programme, "gold", tier="gold")
    given_bonus_rule(programme, "old", least_days=5)
    member_id = given_member(db, programme, joined_on=today() - 4 * DAY)
    with database.begin() as session:
        attributes.add_many(session, {(member_id, attributes.TIER, today()): "gold"})

    before = refused(programme, member_id, code="gold", on=today() - DAY)
    new = refused(programme, member_id, code="old")
    unborn = refused(programme, member_id, code="gold", on=today() - 5 * DAY)

    assert (type(before), before.facts) == (BonusNotForMember, {"rule": "gold", "tier": "gold"})
    assert (type(new), new.facts["from_day"]) == (BonusNotForMember, (today() + DAY).isoformat())
    assert (type(unborn), unborn.facts["from_day"]) == (BonusNotForMember, (today() - 4 * DAY).isoformat())
    assert give(programme, member_id, code="gold").points == 10


def test_a_birthday_is_given_once_a_year_on_its_day(programme, member_id):
    set_birthday(member_id, "02-29")
    with clock.stopped(datetime(2027, 3, 5, tzinfo=UTC)):
        given_bonus_rule(programme, "birthday", "birthday")
        wrong = refused(programme, member_id, None, code="birthday", on=date(2027, 3, 1))
        first = give(programme, member_id, None, code="birthday", on=date(2027, 2, 28))
        again = give(programme, member_id, "whatever a system says", code="birthday", on=date(2027, 2, 28))
    with clock.stopped(datetime(2028, 3, 5, tzinfo=UTC)):
        wrong_in_leap_year = refused(programme, member_id, None, code="birthday", on=date(2028, 2, 28))
        next_year = give(programme, member_id, None, code="birthday", on=date(2028, 2, 29))

    assert (type(wrong), wrong.facts) == (NotTheOccasion, {"rule": "birthday"})  # no birthday in a refusal
    assert type(wrong_in_leap_year) is NotTheOccasion
    assert (first.repeated, again.repeated, next_year.nth) == (False, True, 2)


def test_joining_is_given_for_the_day_of_joining_and_once(db, programme):
    given_bonus_rule(programme, "welcome", "sign-up")
    member_id = given_member(db, programme, joined_on=today() - 3 * DAY)

    other_day = refused(programme, member_id, None, code="welcome")
    given = give(programme, member_id, None, code="welcome", on=today() - 3 * DAY)

    assert (type(other_day), given.ref) == (NotTheOccasion, "sign-up")


def test_a_day_ends_at_midnight_in_the_programmes_zone(programme, member_id):
    midnight = clock.start_of(today() + DAY, ZONE)
    given_bonus_rule(programme, until_day=today())

    with clock.stopped(midnight - timedelta(seconds=1)):
        tomorrow = refused(programme, member_id, on=today() + DAY)
        last = give(programme, member_id, on=today())
    with clock.stopped(midnight):
        over = refused(programme, member_id, "S-2", on=today())
        late = give(programme, member_id, "S-2", on=today() - DAY)

    assert (type(tomorrow), type(over)) == (BadBonus, BonusNotRunning)
    assert over.facts["until_day"] == (clock.day(midnight, ZONE) - DAY).isoformat()
    assert (last.points, late.points) == (10, 10)


def test_what_cannot_be_given_is_refused_by_name(db, programme, member_id):
    given_bonus_rule(programme)
    given_bonus_rule(programme, "sorry", "goodwill")
    given_bonus_rule(programme, "club", "member-day", month_day=1)
    stranger = given_member(db, given_programme("other"))
    not_first = today() if today().day != 1 else today() - DAY

    told = {
        "no rule": refused(programme, member_id, code="nothing"),
        "nobody": refused(programme, 12345),
        "another programme's": refused(programme, stranger),
        "the future": refused(programme, member_id, on=today() + DAY),
        "before the rule": refused(programme, member_id, on=today() - 31 * DAY),
        "no reference": refused(programme, member_id, None),
        "an empty one": refused(programme, member_id, ""),
        "a long one": refused(programme, member_id, "r" * 65),
        "one of spaces": refused(programme, member_id, " S"),
        "goodwill alone": refused(programme, member_id, code="sorry"),
        "another day": refused(programme, member_id, code="club", on=not_first),
    }

    assert {name: type(one) for name, one in told.items()} == {
        "no rule": BonusRuleUnknown, "nobody": MemberUnknown, "another programme's": MemberUnknown,
        "the future": BadBonus, "before the rule": BonusNotRunning, "no reference": BadBonus, "an empty one": BadBonus,
        "a long one": BadBonus, "one of spaces": BadBonus, "goodwill alone": NeedsTwoPersons,
        "another day": NotTheOccasion,
    }  # fmt: skip
    assert bonuses() == 0


def test_a_frozen_line_collects_and_a_cancelled_or_merged_one_does_not(db, programme, member_id):
    given_bonus_rule(programme)
    gone, merged = given_member(db, programme), given_member(db, programme)
    tell(db, member_id, LineState.SUSPENDED)
    tell(db, gone, LineState.CANCELLED)
    given_merged(merged, member_id)

    alone = [type(refused(programme, one)) for one in (gone, merged)]
    together = give_many(programme, *(wanted(one) for one in (member_id, gone, merged)))

    assert alone == [MemberClosed, MemberMerged]
    assert together[1].facts["line"] == "cancelled"
    assert named(together) == ["10", "member-closed", "member-merged"]


def test_a_closed_programme_gives_nothing(app, db, programme, member_id):
    from tests.given import caller, service_key

    given_bonus_rule(programme)
    key = service_key(programme, "bonuses:write")
    with owner(db) as connection:
        connection.exec_driver_sql("update programme set closed_at = now()")

    body = {"rule": "survey", "customer_id": "C1", "on": today().isoformat(), "ref": "S"}
    answer = caller(app, key).post("/v1/bonuses", body)

    assert answer.json["type"] == f"/problems/{ProgrammeClosed.type_name()}"


# Many in one transaction


def test_many_get_what_there_is_in_their_order_and_the_others_a_reason(db, programme):
    given_bonus_rule(programme, budget_points=30, most_per_member=1)
    people = [given_member(db, programme) for _ in range(5)]
    asked = [
        wanted(people[0]),
        wanted(people[0]),
        wanted(people[0], "S-2"),
        *(wanted(one) for one in people[1:]),
    ]

    answers = give_many(programme, *asked, wanted(12345), wanted(people[1], code="nothing"))
    second = give_many(programme, *asked)

    assert named(answers) == [
        "10", "again", "bonus-cap-reached", "10", "10", "budget-used-up", "budget-used-up",
        "member-unknown", "bonus-rule-unknown",
    ]  # fmt: skip
    assert named(second)[:4] == ["again", "again", "bonus-cap-reached", "again"]
    assert sum(balance(one) for one in people) == 30


def test_points_that_the_ledger_refuses_go_back_to_the_budget(db, programme):
    rule = given_bonus_rule(programme, budget_points=20, most_per_day=2)
    people = [given_member(db, programme) for _ in range(2)]
    real = ledger.post_many

    def refuses_the_first(session, requests):
        return [MemberClosed(), *real(session, requests[1:])]

    with patch.object(granting.ledger, "post_many", refuses_the_first):
        answers = give_many(programme, *map(wanted, people))

    assert named(answers) == ["member-closed", "10"]
    assert budget_left(rule.rule_id) == 10
    assert give(programme, people[0]).points == 10


CODES = ("a", "b", "c")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 2), st.sampled_from(CODES), st.integers(0, 2), st.integers(0, 4)),
            max_size=6,
        ),
        max_size=6,
    )
)
def test_any_history_in_batches_is_what_a_plain_count_makes_of_it(db, campaigns, batches):
    """One at a time in a plain model: reference, caps of member and day, cap of the day, budget, in this order."""
    programme, people, limits, seen = campaigns()
    left = {code: limit["budget_points"] for code, limit in limits.items()}
    got: list[tuple[int, str, date, str]] = []
    for batch in batches:
        asked = [wanted(people[m], f"{r}", code=code, on=today() - d * DAY) for m, code, d, r in batch]
        answers = (
            named(give_many(programme, *asked)) if len(asked) != 1 else named([one_of(programme, asked[0])])
        )
        for one, answer in zip(asked, answers, strict=True):
            member_id, code, on, ref = one
            limit = limits[code]
            mine = [g for g in got if g[:2] == (member_id, code)]
            if any(g[3] == ref for g in mine):
                assert answer == "again"
                continue
            full = (
                len(mine) >= limit["most_per_member"]
                or sum(g[2] == on for g in mine) >= limit["most_per_member_day"]
                or sum(g[1:3] == (code, on) for g in got) >= limit["most_per_day"]
            )
            # within a batch an earlier one that found no room has been counted for the member: it is the cautious side
            if answer == "10":
                assert not full
                assert left[code] >= 10
                left[code] -= 10
                got.append((member_id, code, on, ref))
            else:
                assert full or left[code] < 10 or len(asked) > 1
    assert sum(balance(member_id) for member_id in people) == 10 * len(got)
    assert len(got) == bonuses() - seen


def one_of(programme: Programme, asked):
    try:
        return give(programme, asked.member_id, asked.ref, code=asked.code, on=asked.on)
    except Problem as refusal:
        return refusal


@pytest.fixture
def campaigns(db):
    """A fresh programme with three members and three campaigns of small caps, for each example."""
    made = []

    def make():
        programme = given_programme(f"p{len(made)}")
        made.append(programme)
        limits = {
            "a": {"most_per_member": 3, "most_per_member_day": 1, "most_per_day": 100, "budget_points": 1000},
            "b": {"most_per_member": 99, "most_per_member_day": 9, "most_per_day": 2, "budget_points": 1000},
            "c": {"most_per_member": 99, "most_per_member_day": 9, "most_per_day": 100, "budget_points": 35},
        }
        for code, limit in limits.items():
            given_bonus_rule(programme, code, **limit)
        return programme, [given_member(db, programme) for _ in range(3)], limits, bonuses()

    return make


# At once


def test_of_two_for_the_last_points_of_a_budget_one_wins(db, programme):
    rule = given_bonus_rule(programme, budget_points=10)
    people = [given_member(db, programme) for _ in range(6)]

    told = at_once(6, lambda number: give(programme, people[number]))

    assert sorted(type(one).__name__ for one in told) == ["BudgetUsedUp"] * 5 + ["Given"]
    assert (budget_left(rule.rule_id), sum(map(balance, people)), bonuses()) == (0, 10, 1)


def test_of_two_for_the_last_place_of_a_day_one_wins(db, programme):
    given_bonus_rule(programme, most_per_day=1)
    people = [given_member(db, programme) for _ in range(4)]

    told = at_once(4, lambda number: give(programme, people[number]))

    assert sorted(type(one).__name__ for one in told) == ["BonusCapReached"] * 3 + ["Given"]


def test_a_members_cap_holds_against_many_at_once(programme, member_id):
    given_bonus_rule(programme, most_per_member=2)

    told = at_once(6, lambda number: give(programme, member_id, f"S-{number}"))

    assert sorted(type(one).__name__ for one in told) == ["BonusCapReached"] * 4 + ["Given"] * 2
    assert (balance(member_id), bonuses()) == (20, 2)


def test_one_thing_told_by_many_at_once_is_one_bonus(programme, member_id):
    given_bonus_rule(programme)

    told = at_once(6, lambda number: give(programme, member_id))

    assert sorted(one.repeated for one in told) == [False] + [True] * 5
    assert len({one.seq for one in told}) == 1
    assert balance(member_id) == 10


def test_batches_and_single_ones_at_once_neither_overdraw_nor_block_each_other(db, programme):
    rules = [given_bonus_rule(programme, code, budget_points=200, most_per_day=30) for code in ("a", "b")]
    people = [given_member(db, programme) for _ in range(12)]

    def some(number):
        order = people if number % 2 else people[::-1]
        codes = ("a", "b") if number % 3 else ("b", "a")
        if number < 4:
            asked = [wanted(one, f"{number}", code=code) for code in codes for one in order]
            return named(give_many(programme, *asked))
        return [
            named([one_of(programme, wanted(one, f"{number}", code=code))])[0]
            for code in codes
            for one in order[:4]
        ]

    told = at_once(8, some)

    assert not [one for one in told if isinstance(one, Exception) and type(one).__name__ != "StillRunning"], (
        told
    )
    given = sum(answer == "10" for part in told if not isinstance(part, Exception) for answer in part)
    assert given * 10 == sum(map(balance, people))
    assert all((budget_left(rule.rule_id) or 0) >= 0 for rule in rules)
    assert sum(200 - (budget_left(rule.rule_id) or 0) for rule in rules) == given * 10


def test_a_rule_without_limits_touches_no_row_that_members_share(programme, member_id, db):
    given_bonus_rule(programme)
    with database.begin() as session:
        give(programme, member_id)
        tables = [
            session.connection().exec_driver_sql(f"select count(*) from {table}").scalar_one()
            for table in ("bonus_budget", "bonus_day")
        ]

    assert tables == [0, 0]


def test_the_numbers_of_a_members_bonuses_are_a_second_belt(programme, member_id, monkeypatch):
    """Were the wallet not locked, the unique keys would still let one through."""
    given_bonus_rule(programme, most_per_member=1)
    monkeypatch.setattr(granting.ledger, "lock", lambda *_: None)

    told = at_once(4, lambda number: give(programme, member_id, f"S-{number}"))

    assert sum(isinstance(one, granting.Given) for one in told) == 1
    assert balance(member_id) == 10


def test_a_question_gives_what_the_bonus_then_gives_and_writes_nothing(programme, member_id):
    given_bonus_rule(programme, budget_points=10, most_per_member=1, most_per_day=1)

    def ask():
        with database.begin() as session:
            given = granting.question(session, programme, wanted(member_id), clock.now())
            return given, granting.left(session, given)

    asked, left = ask()
    written = bonuses()
    given = give(programme, member_id)
    after, _ = ask()

    assert (asked.points, asked.last_day, asked.nth) == (given.points, given.last_day, given.nth)
    assert (left.member, left.day, left.budget_points, written) == (0, 0, 0, 0)
    assert after.repeated
    with database.begin() as session:
        assert room.budget_left(session, given.rule) == 0
        with pytest.raises(BonusCapReached):
            granting.question(session, programme, wanted(member_id, "S-2"), clock.now())
        assert session.scalar(select(PostingRow.seq).where(PostingRow.member_id == member_id)) == 1
