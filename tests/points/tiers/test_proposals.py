"""Ladders by two persons: what may be proposed; a later version changes nothing that was before it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from base import clock, database
from base.approvals import approvals
from base.approvals.approvals import OwnProposal
from points.policies import SameDayVersion
from points.tiers import ladders, proposals
from points.tiers.proposals import BadTierPolicy, Wanted
from points.tiers.reckoning import Step
from tests.given import (
    CARD,
    ZONE,
    given_earned,
    given_evaluated,
    given_ladder,
    given_member,
    given_person,
    given_programme,
)

DAY = timedelta(days=1)
ON = date(2022, 6, 15)


@pytest.fixture
def programme(db):
    return given_programme()


def named(tier: str) -> dict[str, str]:
    return {"zh-CN": tier, "en": tier}


WANTED = Wanted("gotone", "card", ON, 12, 12, CARD, "new year, new cards", grace_months=1)


def propose(wanted, *, on=ON, maker=None):
    with clock.stopped(clock.start_of(on, ZONE) + timedelta(hours=9)), database.begin() as session:
        return proposals.propose(session, maker or given_person("editor"), wanted, clock.now()).proposal


def approve(proposal, *, on=ON, checker=None):
    with clock.stopped(clock.start_of(on, ZONE) + timedelta(hours=10)), database.begin() as session:
        person = checker or given_person("checker")
        approvals.approve(session, person, proposal.proposal_id, proposal.content_hash.hex(), clock.now())


def test_what_two_persons_agreed_on_is_in_force_from_its_day_on(programme):
    approve(propose(replace(WANTED, from_day=ON + DAY)))

    with database.begin() as session:
        found = ladders.load(session, programme.programme_id)
    assert found.every(ON) == []
    (rule,) = found.every(ON + DAY)
    assert (rule.steps, rule.window_months, rule.lot_classes) == (CARD, 12, (1,))


def test_nobody_puts_a_ladder_in_force_alone(programme):
    both = given_person("editor", "checker")
    proposal = propose(WANTED, maker=both)

    with pytest.raises(OwnProposal):
        approve(proposal, checker=both)


@pytest.mark.parametrize(
    "wrong",
    [
        {"from_day": ON - DAY},
        {"ladder": "Card!"},
        {"window_months": 0},
        {"hold_months": 0},
        {"grace_days": 400},
        {"most_down": 0},
        {"lot_classes": ()},
        {"reason": ""},
        {"steps": ()},
        {"steps": (CARD[1], CARD[0])},
        {"steps": (CARD[0], CARD[0])},
        {"steps": (Step("a b", 1, named("x")),)},
        {"steps": (Step("x", 1, {"en": "x"}),)},
        {"steps": (Step("x", -1, named("x")),)},
    ],
    ids=str,
)
def test_what_makes_no_sense_cannot_be_proposed(programme, wrong):
    with pytest.raises(BadTierPolicy):
        propose(replace(WANTED, **wrong))


def test_a_later_version_keeps_the_tiers_in_their_order_and_may_add_some(programme):
    given_ladder(programme)
    between = (CARD[0], Step("silver-plus", 6_000, named("plus")), *CARD[1:])

    with pytest.raises(BadTierPolicy):
        propose(replace(WANTED, from_day=ON + DAY, steps=CARD[1:]))
    approve(propose(replace(WANTED, from_day=ON + DAY, steps=between)))

    with database.begin() as session:
        assert ladders.load(session, programme.programme_id).order("card") == (
            "silver", "silver-plus", "gold", "diamond",
        )  # fmt: skip


def test_a_version_is_never_edited_nor_put_before_another_or_on_a_day_that_may_be_evaluated(programme):
    given_ladder(programme)

    for day, fault in ((ON, BadTierPolicy), (date(2020, 1, 1), SameDayVersion)):
        with pytest.raises(fault):
            propose(replace(WANTED, from_day=day))
    approve(propose(replace(WANTED, from_day=ON + 9 * DAY)))
    with pytest.raises(BadTierPolicy):
        propose(replace(WANTED, from_day=ON + 5 * DAY))


def test_a_tier_is_on_one_ladder_only(programme):
    given_ladder(programme)

    with pytest.raises(BadTierPolicy):
        propose(replace(WANTED, ladder="other", steps=(CARD[1],)))


def test_what_was_right_when_proposed_and_is_no_more_is_refused_at_the_approval(programme):
    proposal = propose(WANTED)

    with pytest.raises(BadTierPolicy):
        approve(proposal, on=ON + DAY)


def test_a_higher_threshold_lowers_nobody_before_hold_and_grace_are_over(db, programme):
    given_ladder(programme)
    member_id = given_member(db, programme)
    given_earned(member_id, 12_000, ON)
    given_evaluated(programme, ON)
    dearer = tuple(step._replace(points=step.points * 2) for step in CARD)
    approve(propose(replace(WANTED, from_day=ON + DAY, steps=dearer)))

    assert given_evaluated(programme, ON + DAY) == 0
    assert given_evaluated(programme, date(2023, 7, 14)) == 0
    assert given_evaluated(programme, date(2023, 7, 15)) == 1
