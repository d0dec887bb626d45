"""Rates by two persons: a grid is approved as a whole, checked twice, written once; nothing is edited or priced anew."""

import threading
from datetime import timedelta
from unittest.mock import patch

import pytest

from base import clock, database, locks
from base.approvals import approvals
from base.approvals.approvals import OwnProposal
from catalog.rates import checking, proposals, rates
from catalog.rates.checking import BadRate, RateGap
from catalog.rates.proposals import Wanted
from catalog.rates.rates import RateOverlaps, Row
from catalog.rates.scopes import GENERAL, Scope
from tests.given import (
    ZONE,
    caller,
    given_area,
    given_member,
    given_offer,
    given_person,
    given_programme,
    given_tier,
    member_token,
)
from tests.points.test_ledger import at_once

DAY = timedelta(days=1)
TODAY = clock.day(clock.now(), ZONE)
SOON, LATER = TODAY + DAY, TODAY + 10 * DAY
GOLD = Scope(tier="gold")


@pytest.fixture
def programme(db):
    """A programme with a general rate (100 = 1 yuan), and a member of the tier gold."""
    made = given_programme()
    given_tier(given_member(db, made), "gold")
    return made


def wanted(*rows, **more):
    return Wanted("gotone", rows, "a new year", **more)


def row(scope=GENERAL, from_day=SOON, points=80, per_fen=100, until_day=None):
    return Row(scope, from_day, points, per_fen, until_day)


def end(scope, from_day):
    return Row(scope, from_day)


def propose(*rows, maker=None):
    with database.begin() as session:
        return proposals.propose(
            session, maker or given_person("editor"), wanted(*rows), clock.now()
        ).proposal


def approve(proposal, *, at=None, checker=None):
    with database.begin() as session:
        person, seen = checker or given_person("checker"), proposal.content_hash.hex()
        approvals.approve(session, person, proposal.proposal_id, seen, at or clock.now())


def there(programme):
    """Every version: its scope, first and last day counted from today, and points."""
    with database.begin() as session:
        return [
            (one.kind or one.tier or one.area, (one.from_day - TODAY).days if one.approval else None,
             one.until_day and (one.until_day - TODAY).days, one.points)
            for one in rates.versions(session, programme.programme_id)
        ]  # fmt: skip


def test_who_buys_pays_by_tier_and_area_from_the_day_that_two_persons_agreed_on(app, db, programme):
    offer = given_offer(programme, "perk", value_fen=1000)
    plain, gold, here = (given_member(db, programme, points=5000) for _ in range(3))
    given_tier(gold, "gold")
    given_area(here, "330106")
    approve(
        propose(
            row(points=90),
            row(GOLD, points=50),
            row(Scope(area="3301"), points=70),
            row(Scope(None, "perk", area="33"), points=60),
        )
    )
    tokens = [member_token(one) for one in (plain, gold, here)]

    def prices():
        callers = [caller(app, token) for token in tokens]
        listed = [one.get("/v1/offers").json["data"][0]["price_points"] for one in callers]
        assert listed == [one.quote(offer).json["price_points"] for one in callers]
        return listed

    before = prices()
    with clock.stopped(clock.start_of(SOON, ZONE)):
        tokens = [member_token(one) for one in (plain, gold, here)]
        after = prices()

    assert before == [1000, 1000, 1000]
    assert after == [900, 500, 600]


def test_a_version_ends_the_one_before_and_an_earlier_one_comes_back_as_a_further_one(programme):
    approve(propose(row(until_day=LATER - DAY), row(from_day=LATER, points=95)))
    with database.begin() as session:
        first = rates.versions(session, programme.programme_id)[0]
        back = proposals.revert(
            session, given_person("editor"), first.rate_id, LATER + DAY, "it did not work", clock.now()
        ).proposal
    approve(back)

    assert there(programme) == [
        ("", None, 0, 100), ("", 1, 9, 80), ("", 10, 10, 95), ("", 11, None, 100),
    ]  # fmt: skip
    assert back.said["reverts"] == proposals.reference(first.rate_id)


def test_a_scope_may_end_and_what_has_not_begun_can_be_taken_back(programme):
    approve(propose(row(GOLD), row(Scope(None, "perk"), points=60)))
    approve(propose(end(GOLD, LATER), end(Scope(None, "perk"), SOON), row(Scope(None, "perk"), points=65)))

    assert there(programme) == [
        ("", None, None, 100), ("gold", 1, 9, 80), ("perk", 1, 0, 60), ("perk", 1, None, 65),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"points": 0}, "points"),
        ({"points": -1}, "points"),
        ({"per_fen": 0}, "per_fen"),
        ({"per_fen": -100}, "per_fen"),
        ({"per_fen": None}, "per_fen"),
        ({"from_day": TODAY}, "from_day"),
        ({"from_day": TODAY - DAY}, "from_day"),
        ({"until_day": TODAY}, "until_day"),
        ({"points": None, "per_fen": None, "until_day": LATER}, "until_day"),
        ({"scope": Scope(tier="golden")}, "tier"),
        ({"scope": Scope(tier="no tier")}, "tier"),
        ({"scope": Scope(area="99")}, "area"),
        ({"scope": Scope(area="0x")}, "area"),
        ({"scope": Scope(None, "history")}, "kind"),
        ({"scope": Scope(1, "perk")}, "kind"),
        ({"scope": Scope(1)}, "offer"),
    ],
)
def test_what_cannot_be_is_refused_with_its_row_and_field(programme, changed, field):
    with pytest.raises(BadRate) as refusal:
        propose(row(GOLD), row(**changed))

    assert f"/rows/1/{field}" in {one["pointer"] for one in refusal.value.facts["errors"]}


def test_a_proposal_needs_rows_and_a_reason(programme):
    for one in (wanted(), Wanted("gotone", (row(),), "")):
        with database.begin() as session, pytest.raises(BadRate):
            proposals.propose(session, given_person("editor"), one, clock.now())


@pytest.mark.parametrize(
    "grid",
    [
        [row(until_day=LATER)],
        [row(until_day=LATER), row(from_day=LATER + 2 * DAY)],
        [end(GENERAL, SOON)],
        [end(GENERAL, SOON), row(from_day=SOON + DAY)],
    ],
)
def test_no_day_may_be_without_a_general_rate(programme, grid):
    with pytest.raises(RateGap):
        propose(*grid)


@pytest.mark.parametrize(
    "grid",
    [
        [row(), row()],
        [row(until_day=LATER), row(from_day=LATER)],
        [end(GOLD, SOON)],
        [row(GOLD), end(GOLD, LATER)],
    ],
)
def test_no_day_may_have_two_of_a_scope_and_only_what_is_there_ends(programme, grid):
    with pytest.raises(RateOverlaps) as refusal:
        propose(*grid)

    assert refusal.value.facts["errors"][0]["pointer"] in ("/rows/0/from_day", "/rows/1/from_day")


def test_an_approval_looks_again_and_nobody_approves_alone(programme):
    first, second = propose(row(points=80)), propose(row(points=70))
    both = given_person("editor", "checker")
    own = propose(row(GOLD), maker=both)
    approve(first)

    with pytest.raises(RateOverlaps):
        approve(second)
    with pytest.raises(OwnProposal):
        approve(own, checker=both)
    with pytest.raises(BadRate):
        approve(own, at=clock.start_of(SOON, ZONE))
    assert there(programme) == [("", None, 0, 100), ("", 1, None, 80)]


def both_at_the_door(cases):
    """Two approvals by two checkers, let go when both stand where one after the other goes in; what each came to."""
    checkers, both_there = [given_person("checker") for _ in cases], threading.Barrier(len(cases))
    in_turn = locks.in_turn

    def waits(*args):
        both_there.wait(10)
        in_turn(*args)

    with patch.object(locks, "in_turn", waits):
        came = at_once(len(cases), lambda number: approve(cases[number], checker=checkers[number]))
    return [type(answer).__name__ for answer in came]


@pytest.mark.parametrize("seen_by_the_check", [True, False])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([row()], [row(points=95)]),
        ([row(GOLD)], [row(GOLD, until_day=LATER)]),
        ([row()], [row(), row(GOLD)]),
    ],
)
def test_of_two_approved_at_once_one_is_written_whole(programme, one, other, seen_by_the_check):
    cases, check = [propose(*one), propose(*other)], checking.check

    with patch.object(checking, "check", check if seen_by_the_check else lambda *args: None):
        came = both_at_the_door(cases)

    assert sorted(came) == ["NoneType", "RateOverlaps"]


def test_of_two_approved_at_once_the_second_is_checked_against_what_the_first_wrote(programme):
    came = both_at_the_door([propose(row()), propose(row(from_day=LATER, points=95))])

    grid = [(from_day, until_day) for _, from_day, until_day, _ in there(programme)]
    assert came[1] == "NoneType"
    assert (came[0], grid) in (
        ("NoneType", [(None, 0), (1, 9), (10, None)]),
        ("RateOverlaps", [(None, 9), (10, None)]),
    )
