"""The mix of redemptions week by week: what adds up, what two persons aim at, and that staff are told when it drifts."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from admin.analytics import mix, mix_targets, verify
from admin.analytics.mix_targets import BadMixTarget, SameDayTarget, Wanted
from admin.analytics.sums import Sums
from base import clock, database
from base.approvals import approvals
from base.models import AuditRow
from catalog.offers import heaps
from catalog.offers.models import BILL_CREDIT, EVENT, GOODS, HISTORY, PERK, SERVICE, VOUCHER
from catalog.rates import rates
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import JOB
from tests.given import given_area, given_member, given_offer, given_person, given_programme
from tests.owner import owner

MONDAY = date(2026, 11, 9)
WEDNESDAY = datetime(2026, 11, 11, 4, tzinfo=UTC)
BEFORE = datetime(2026, 11, 2, 4, tzinfo=UTC)
AFTER = datetime(2026, 11, 26, 4, tzinfo=UTC)
TARGET = {"mall": 3000, "bill_credit": 5000, "club": 1500, "new_services": 500}


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture(autouse=True)
def the_present():
    with clock.stopped(AFTER):
        yield


def wanted(**more):
    return Wanted(
        **(
            {
                "programme": "gotone",
                "from_day": date(2026, 11, 2),
                "shares": TARGET,
                "alert_bp": 500,
                "reason": "less bill credit",
            }
            | more
        )
    )


def given_target(**more):
    maker, checker = given_person("editor"), given_person("finance")
    with clock.stopped(BEFORE), database.begin() as session:
        proposal = mix_targets.propose(session, maker, wanted(**more), clock.now()).proposal
        approvals.approve(session, checker, proposal.proposal_id, proposal.content_hash.hex(), clock.now())


def redeem(db, programme, offer, *, at=WEDNESDAY, area=None):
    with clock.stopped(BEFORE):
        member_id = given_member(db, programme, points=5000)
    if area:
        given_area(member_id, area)
    with clock.stopped(at), database.begin() as session:
        quote = quotes.make(session, member_id, offer.offer_id, 1, at, 600).quote
        redemptions.redeem(session, member_id, quote.quote_id, JOB, at)


def week(programme, area=""):
    with database.begin() as session:
        return mix.weeks(session, programme, area)[0]


def heap(found, name):
    return next(one for one in found["heaps"] if one["heap"] == name)


def test_a_week_by_points_by_number_and_by_cost(db, programme):
    redeem(db, programme, given_offer(programme, "perk", value_fen=1000, cost_fen=200))
    redeem(db, programme, given_offer(programme, "bill_credit", value_fen=3000))
    redeem(
        db, programme, given_offer(programme, "perk", value_fen=500), at=datetime(2026, 11, 8, 15, tzinfo=UTC)
    )

    mix.take(programme, MONDAY)
    found = week(programme)

    assert (found["from_day"], found["until_day"]) == (MONDAY, date(2026, 11, 15))
    club, credit = heap(found, "club"), heap(found, "bill_credit")
    assert (club["points"], club["count"], club["cost_fen"]) == (1000, 1, 200)
    assert (club["points_bp"], club["count_bp"], club["cost_bp"]) == (2500, 5000, 625)
    assert (credit["points_bp"], credit["cost_fen"]) == (7500, 3000)
    assert [one["kind"] for one in found["kinds"]] == ["bill_credit", "perk"]
    assert club["target_bp"] is None


def test_an_area_sees_its_own_week(db, programme):
    perk = given_offer(programme, "perk", value_fen=1000)
    redeem(db, programme, perk, area="330106")
    redeem(db, programme, perk, area="440101")
    mix.take(programme, MONDAY)

    assert [heap(week(programme, area), "club")["count"] for area in ("", "33", "3302")] == [2, 1, 0]


def test_drift_beyond_what_was_agreed_is_told_once(db, programme):
    given_target()
    redeem(db, programme, given_offer(programme, "bill_credit", value_fen=3000))

    for _ in range(2):
        mix.take(programme, MONDAY)

    found = week(programme)
    assert heap(found, "bill_credit")["drift_bp"] == 5000
    assert {one["heap"] for one in found["alerts"]} == {
        "mall",
        "bill_credit",
        "club",
    }  # new services: 500 off, as agreed
    with database.begin() as session:
        told = session.scalars(select(AuditRow).where(AuditRow.action == "mix.alert")).all()
        assert len(told) == len(mix.alerts(session, programme.programme_id, MONDAY)) == 3
    assert {one.subject for one in told} == {"gotone 2026-11-09"}


def test_without_a_target_or_without_redemptions_nobody_is_alarmed(db, programme):
    mix.take(programme, MONDAY)
    given_target()
    mix.take(programme, MONDAY)

    with database.begin() as session:
        assert mix.alerts(session, programme.programme_id, MONDAY) == []


def test_a_week_keeps_the_target_of_its_time(db, programme):
    given_target()
    redeem(db, programme, given_offer(programme, "perk", value_fen=1000))
    mix.take(programme, MONDAY)
    other = {"mall": 2500, "bill_credit": 2500, "club": 2500, "new_services": 2500}
    given_target(from_day=date(2026, 11, 16), shares=other)

    assert week(programme)["target"]["shares"] == TARGET


def test_redemptions_are_told_by_the_rate_that_priced_them_and_its_changes_marked(db, programme):
    perk = given_offer(programme, "perk", value_fen=1000)
    redeem(db, programme, perk)
    with database.begin() as session:
        rates.add(session, programme.programme_id, date(2026, 11, 12), points=80, per_fen=100)
    redeem(db, programme, perk, at=datetime(2026, 11, 13, 4, tzinfo=UTC))
    mix.take(programme, MONDAY)

    found = week(programme)

    assert sorted((one["points"], one["began_this_week"]) for one in found["rates"]) == [
        (800, True),
        (1000, False),
    ]
    assert [(one["from_day"], one["rate_points"]) for one in found["rate_changes"]] == [
        (date(2026, 11, 12), 80)
    ]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"shares": TARGET | {"mall": 2999}}, "shares"),
        ({"shares": {"mall": 10_000}}, "shares"),
        ({"shares": TARGET | {"mall": -1, "club": 4501}}, "shares"),
        ({"alert_bp": 0}, "alert_bp"),
        ({"from_day": date(2026, 11, 1)}, "from_day"),
        ({"reason": ""}, "reason"),
    ],
)
def test_what_is_no_target_is_refused_with_the_field(programme, more, field):
    maker = given_person("editor")

    with clock.stopped(BEFORE), database.begin() as session, pytest.raises(BadMixTarget) as refused:
        mix_targets.propose(session, maker, wanted(**more), clock.now())

    assert [one["pointer"] for one in refused.value.facts["errors"]] == [f"/{field}"]


def test_a_target_of_a_day_is_set_once(programme):
    given_target()

    with pytest.raises(SameDayTarget):
        given_target(reason="another")


def test_of_two_proposals_for_a_day_one_is_carried_out(programme):
    maker, checker = given_person("editor"), given_person("finance")
    with clock.stopped(BEFORE), database.begin() as session:
        both = [
            mix_targets.propose(session, maker, wanted(reason=why), clock.now()).proposal
            for why in ("a", "b")
        ]
        approvals.approve(session, checker, both[0].proposal_id, both[0].content_hash.hex(), clock.now())

    with pytest.raises(SameDayTarget), clock.stopped(BEFORE), database.begin() as session:
        approvals.approve(session, checker, both[1].proposal_id, both[1].content_hash.hex(), clock.now())


def test_a_target_that_nobody_approved_is_found(db, programme):
    given_target()
    with owner(db) as connection:
        connection.execute(text("update mix_target set alert_bp = alert_bp + 1"))

    with database.begin() as session:
        found = [one.text for one in verify.findings(session)]
    with owner(db) as connection:
        connection.execute(text("update mix_target set alert_bp = alert_bp - 1"))

    assert found == ["it is not what was approved"]


KINDS = st.sampled_from([VOUCHER, GOODS, BILL_CREDIT, PERK, EVENT, SERVICE, HISTORY, "of-tomorrow"])


@given(
    st.dictionaries(KINDS, st.tuples(*[st.integers(0, 10**9)] * 4)),
    st.dictionaries(st.sampled_from(heaps.HEAPS[:-1]), st.integers(0, 10_000)),
)
def test_slices_add_up_to_everything_and_nothing_is_shared_out(sums_by_kind, shares):
    by_key = {f"{kind}/": Sums(*numbers) for kind, numbers in sums_by_kind.items()}

    found = mix.slices(by_key, shares)

    assert [one.heap for one in found] == list(heaps.HEAPS)
    for name in ("count", "points", "cost_fen"):
        assert sum(getattr(one, name) for one in found) == sum(getattr(one, name) for one in by_key.values())
    for share, amount in (("points_bp", "points"), ("count_bp", "count"), ("cost_bp", "cost_fen")):
        whole = sum(getattr(one, share) for one in found)
        assert 10_000 - len(found) < whole <= 10_000 or not any(getattr(one, amount) for one in found)
    alone = sums_by_kind.get(HISTORY, (0,) * 4)[1] + sums_by_kind.get("of-tomorrow", (0,) * 4)[1]
    assert next(one.points for one in found if one.heap == heaps.UNATTRIBUTED) == alone
