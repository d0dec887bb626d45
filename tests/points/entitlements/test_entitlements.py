"""Entitlements: a tier allows so many uses in a period; the last one is used once, and whoever comes after learns when anew."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select

from base import clock, database, ids
from base.approvals import approvals
from base.approvals.approvals import OwnProposal
from base.errors import NotAllowed, Problem
from points import programmes
from points.entitlements import entitlements, rules
from points.entitlements.entitlements import (
    BadUse,
    EntitlementBlackout,
    EntitlementUndone,
    EntitlementUnknown,
    EntitlementUsedUp,
    EntitlementUseUnknown,
    NotEntitled,
    TooManyGuests,
)
from points.entitlements.models import EntitlementRule, EntitlementUse
from points.entitlements.rules import BadEntitlement, Wanted
from points.members import members
from points.policies import SameDayVersion
from points.refusals import MemberFrozen
from tests.given import (
    ZONE,
    caller,
    given_entitlement,
    given_member,
    given_person,
    given_programme,
    given_tier,
    member_token,
    service_key,
    staff_token,
)

NAMES = {"zh-CN": "机场贵宾厅", "en": "Airport lounge"}
NOON = datetime(2026, 11, 26, 4, tzinfo=UTC)  # 12:00 in the programme's zone
TODAY = date(2026, 11, 26)


def wanted(**more):
    usual = {"from_day": TODAY, "period": "year", "uses": {"gold": 2, "diamond": 6}, "guests": 1}
    return Wanted(**({"programme": "gotone", "perk": "lounge", "names": NAMES} | usual | more))


@pytest.fixture(autouse=True)
def at_noon():
    with clock.stopped(NOON):
        yield


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def gold(db, programme):
    return given_tier(given_member(db, programme), "gold")


def given_rule(**more):
    given_entitlement(wanted(**more))


def use(member_id, guests=0, *, perk="lounge", on=None, ref="desk 1"):
    with database.begin() as session:
        member = members.by_id(session, member_id)
        at = clock.now()
        day = on or clock.day(at, ZONE)
        row, after = entitlements.use(session, member, perk, guests, day, ref, "service:test", at)
        return row.use_id, after.allowance.left


def undo(member_id, use_id):
    with database.begin() as session:
        return entitlements.undo(session, member_id, use_id, "service:test", clock.now()).use_id


def left(member_id, on=None):
    with database.begin() as session:
        member = members.by_id(session, member_id)
        found = entitlements.of(
            session,
            member,
            programmes.by_id(session, member.programme_id),
            on or clock.day(clock.now(), ZONE),
        )
        return {one.rule.perk: one.allowance.left for one in found}


# Counting


def test_a_tier_allows_so_many_uses_and_the_next_one_says_when_it_begins_anew(gold):
    given_rule()

    assert [use(gold)[1], use(gold)[1]] == [1, 0]
    with pytest.raises(EntitlementUsedUp) as refused:
        use(gold)
    assert refused.value.facts == {"allowed": 2, "left": 0, "resets_on": "2027-01-01"}


def test_in_the_next_period_everything_is_there_again(gold):
    given_rule()
    use(gold), use(gold)

    with clock.stopped(datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)):
        assert left(gold) == {"lounge": 0}
    with clock.stopped(datetime(2026, 12, 31, 16, tzinfo=UTC)):  # midnight in the programme's zone
        assert use(gold)[1] == 1


@pytest.mark.parametrize(("counted", "after"), [(True, 4), (False, 5)])
def test_a_guest_takes_a_use_where_the_rule_says_so(db, programme, counted, after):
    given_rule(guests_take_uses=counted)
    diamond = given_tier(given_member(db, programme), "diamond")

    assert use(diamond, guests=1)[1] == after


def test_more_guests_than_the_rule_allows_are_refused_and_take_nothing(gold):
    given_rule(guests=1)

    with pytest.raises(TooManyGuests) as refused:
        use(gold, guests=2)
    assert (refused.value.facts, left(gold)) == ({"most": 1}, {"lounge": 2})


def test_a_guest_for_whom_nothing_is_left_is_not_let_in_halfway(gold):
    given_rule()
    use(gold)

    with pytest.raises(EntitlementUsedUp) as refused:
        use(gold, guests=1)
    assert (refused.value.facts["left"], left(gold)) == (1, {"lounge": 1})


def test_on_a_blackout_day_nothing_is_used_and_the_next_day_is_named(gold):
    given_rule(blackout_days=(TODAY, TODAY + timedelta(days=1), TODAY + timedelta(days=3)))

    with pytest.raises(EntitlementBlackout) as refused:
        use(gold)
    assert (refused.value.facts, left(gold)) == ({"next_day": "2026-11-28"}, {"lounge": 2})


def test_unused_ones_are_carried_over_at_most_so_many_and_only_once(gold):
    given_rule(period="month", uses={"gold": 3}, carry_over=2)

    with clock.stopped(NOON + timedelta(days=30)):
        assert use(gold)[1] == 4  # of 3 and 2 that came over
    with clock.stopped(NOON + timedelta(days=61)):
        assert left(gold) == {"lounge": 5}
    with clock.stopped(NOON + timedelta(days=365)):
        assert left(gold) == {"lounge": 5}


def test_nothing_is_carried_over_from_before_the_tier_or_the_rule(db, programme):
    given_rule(period="month", uses={"gold": 3}, carry_over=2)
    fresh = given_tier(given_member(db, programme), "gold", since=date(2026, 12, 20))

    with clock.stopped(NOON + timedelta(days=30)):
        assert left(fresh) == {"lounge": 3}
    assert left(fresh) == {}


def test_a_higher_tier_opens_more_at_once_and_a_lower_one_takes_nothing_back(gold):
    given_rule()
    use(gold), use(gold)
    given_tier(gold, "diamond", since=TODAY)

    assert left(gold) == {"lounge": 4}
    given_tier(gold, "gold", since=TODAY + timedelta(days=1))
    with clock.stopped(NOON + timedelta(days=1)):
        assert left(gold) == {"lounge": 0}


def test_whose_tier_has_no_part_in_it_learns_which_have(db, programme):
    given_rule()
    silver = given_tier(given_member(db, programme), "silver")

    with pytest.raises(NotEntitled) as refused:
        use(silver)
    assert refused.value.facts == {"tiers": ["diamond", "gold"]}


def test_a_later_rule_counts_from_its_day_on_and_ends_by_an_empty_one(gold):
    given_rule(period="month")
    given_rule(period="month", from_day=TODAY + timedelta(days=1), uses={"gold": 5})
    given_rule(period="month", from_day=TODAY + timedelta(days=2), uses={})

    assert left(gold) == {"lounge": 2}
    with clock.stopped(NOON + timedelta(days=1)):
        assert left(gold) == {"lounge": 5}
    with clock.stopped(NOON + timedelta(days=2)):
        assert left(gold) == {}


def test_an_unknown_perk_another_period_and_a_day_to_come_are_refused(gold):
    given_rule()

    with pytest.raises(EntitlementUnknown):
        use(gold, perk="cinema")
    for day in (TODAY + timedelta(days=1),):
        with pytest.raises(BadUse):
            use(gold, on=day)
    with pytest.raises(BadUse):
        use(gold, ref="")
    assert left(gold) == {"lounge": 2}


def test_a_frozen_line_uses_nothing(gold):
    given_rule()
    with database.begin() as session:
        members.suspend(session, gold)

    with pytest.raises(MemberFrozen):
        use(gold)


# Undoing


def test_an_undone_use_is_there_again_and_is_undone_once(gold):
    given_rule()
    use_id, _ = use(gold, guests=1)
    assert left(gold) == {"lounge": 0}

    undone = undo(gold, use_id)

    assert left(gold) == {"lounge": 2}
    with pytest.raises(EntitlementUndone):
        undo(gold, use_id)
    for nothing in (undone, 1):
        with pytest.raises(EntitlementUseUnknown):
            undo(gold, nothing)


def test_an_undoing_after_the_period_gives_back_to_the_period_of_the_use(gold):
    given_rule(period="month")
    use_id, _ = use(gold)

    with clock.stopped(NOON + timedelta(days=30)):
        use(gold)
        undo(gold, use_id)
        assert left(gold) == {"lounge": 1}
    assert left(gold) == {"lounge": 2}


# Two at once


@pytest.mark.parametrize("round_", range(3))
def test_of_two_at_once_for_the_last_use_one_wins(gold, round_):
    given_rule()
    use(gold)
    together = Barrier(8)

    def one(number):
        together.wait(10)
        try:
            return use(gold, ref=f"desk {number}")[1]
        except EntitlementUsedUp:
            return "used up"

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one, range(8)))

    assert sorted(found, key=str) == [0, *["used up"] * 7]
    with database.begin() as session:
        assert session.scalar(select(func.count()).select_from(EntitlementUse)) == 2


def test_of_two_who_undo_the_same_use_one_wins(gold):
    given_rule()
    use_id, _ = use(gold)
    together = Barrier(4)

    def one(_):
        together.wait(10)
        try:
            undo(gold, use_id)
            return "undone"
        except EntitlementUndone:
            return "was undone"

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(one, range(4)))

    assert sorted(found) == ["undone", *["was undone"] * 3]
    assert left(gold) == {"lounge": 2}


# Rules by two persons


def test_nobody_puts_a_rule_in_force_alone(programme):
    both = given_person("editor", "checker")
    with database.begin() as session:
        proposal = rules.propose(session, both, wanted(), clock.now()).proposal

    with pytest.raises(OwnProposal), database.begin() as session:
        approvals.approve(session, both, proposal.proposal_id, proposal.content_hash.hex(), clock.now())
    with database.begin() as session:
        assert session.scalar(select(func.count()).select_from(EntitlementRule)) == 0


def test_who_has_not_the_role_cannot_propose(programme):
    for stranger in (given_person("support"), given_person("checker")):
        with pytest.raises(NotAllowed), database.begin() as session:
            rules.propose(session, stranger, wanted(), clock.now())


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"perk": "Lounge!"}, "perk"),
        ({"period": "week"}, "period"),
        ({"names": {"en": "Lounge"}}, "names"),
        ({"names": {"en": "Lounge", "zh-CN": ""}}, "names"),
        ({"uses": {"gold": 0}}, "uses"),
        ({"uses": {"gold": 1001}}, "uses"),
        ({"uses": {"a b": 1}}, "uses"),
        ({"guests": -1}, "guests"),
        ({"carry_over": -1}, "carry_over"),
        ({"from_day": TODAY - timedelta(days=1)}, "from_day"),
        ({"blackout_days": (TODAY,) * 367}, "blackout_days"),
    ],
)
def test_a_rule_that_cannot_be_names_the_field(programme, more, field):
    with pytest.raises(BadEntitlement) as refused, database.begin() as session:
        rules.propose(session, given_person("editor"), wanted(**more), clock.now())
    assert [one["pointer"] for one in refused.value.facts["errors"]] == [f"/{field}"]


def test_a_second_rule_of_the_same_day_is_refused_also_when_both_were_proposed_before(programme):
    maker, checker = given_person("editor"), given_person("checker")
    with database.begin() as session:
        two = [rules.propose(session, maker, wanted(guests=n), clock.now()).proposal for n in (0, 1)]

    with database.begin() as session:
        approvals.approve(session, checker, two[0].proposal_id, two[0].content_hash.hex(), clock.now())
    with pytest.raises(SameDayVersion), database.begin() as session:
        approvals.approve(session, checker, two[1].proposal_id, two[1].content_hash.hex(), clock.now())


# Over HTTP


def test_the_member_sees_the_own_and_the_provider_takes_uses_down(app, db, programme, gold):

    given_rule(carry_over=1, blackout_days=(TODAY + timedelta(days=5), date(2027, 1, 1)))
    desk = caller(app, service_key(programme, "entitlements:write", "members:read"))
    me = caller(app, member_token(gold))
    member = ids.public("mbr", gold)

    first = desk.post("/v1/entitlement-uses", {"member": member, "perk": "lounge", "ref": "d1"}, key="k1")
    again = desk.post("/v1/entitlement-uses", {"member": member, "perk": "lounge", "ref": "d1"}, key="k1")
    other = desk.post("/v1/entitlement-uses", {"member": member, "perk": "lounge", "ref": "d2"}, key="k1")
    shown = me.get("/v1/members/me/entitlements").json
    undone = desk.post(f"/v1/entitlement-uses/{first.json['id']}/undo")
    history = me.get("/v1/members/me/entitlement-uses").json["data"]

    assert (first.status_code, first.json["left"], first.json["resets_on"]) == (201, 1, "2027-01-01")
    assert (again.status_code, again.json) == (201, first.json)
    assert (other.status_code, undone.status_code) == (422, 200)
    assert shown == [
        {
            "perk": "lounge", "names": NAMES, "period": "year", "period_from": "2026-01-01", "resets_on": "2027-01-01",
            "allowed": 2, "carried": 0, "used": 1, "left": 1, "guests": 1, "guests_take_uses": True,
            "blackout_days": ["2026-12-01"],
        }
    ]  # fmt: skip
    assert [(row["undoes"], row["uses"]) for row in history] == [(first.json["id"], 1), (None, 1)]
    assert desk.get(f"/v1/members/{member}/entitlements").json[0]["left"] == 2


def test_a_provider_of_another_programme_finds_no_such_member(app, db, gold):

    given_rule()
    stranger = caller(app, service_key(given_programme("mzone"), "entitlements:write", "members:read"))
    member = ids.public("mbr", gold)

    asked = stranger.post("/v1/entitlement-uses", {"member": member, "perk": "lounge", "ref": "d1"})

    assert (asked.status_code, asked.json["type"]) == (404, "/problems/member-unknown")
    assert stranger.get(f"/v1/members/{member}/entitlements").status_code == 404
    assert left(gold) == {"lounge": 2}


def test_a_rule_is_proposed_and_approved_over_http(app, db, programme, gold):

    editor, checker = caller(app, staff_token("editor")), caller(app, staff_token("checker"))
    body = {
        "programme": "gotone", "perk": "lounge", "from_day": str(TODAY), "names": NAMES, "period": "year",
        "uses": {"gold": 2},
    }  # fmt: skip

    proposed = editor.post("/v1/entitlements", body)
    place = f"/v1/entitlements/{proposed.json['id']}"
    own = editor.post(f"{place}/approve", {"content_hash": proposed.json["content_hash"]})
    approved = checker.post(f"{place}/approve", {"content_hash": proposed.json["content_hash"]})

    assert (proposed.status_code, own.status_code, approved.status_code) == (201, 403, 200)
    assert approved.json["state"] == "approved"
    assert left(gold) == {"lounge": 2}


@pytest.mark.parametrize(
    "wrong", [{"uses": {"gold": "2"}}, {"names": {"en": "x"}}, {"period": "week"}, {"more": 1}]
)
def test_a_body_that_cannot_be_is_refused(app, db, programme, wrong):
    body = {
        "programme": "gotone", "perk": "lounge", "from_day": str(TODAY), "names": NAMES, "period": "year",
        "uses": {"gold": 2},
    }  # fmt: skip

    assert caller(app, staff_token("editor")).post("/v1/entitlements", body | wrong).status_code == 422


@pytest.mark.parametrize("guests", [2**63, 2**31, -1, 1.0, "1", True, None])
def test_guests_that_no_use_can_have_are_refused_before_anything_is_counted(app, db, programme, gold, guests):
    given_rule()
    desk = caller(app, service_key(programme, "entitlements:write"))
    body = {"member": ids.public("mbr", gold), "perk": "lounge", "ref": "d1", "guests": guests}

    assert desk.post("/v1/entitlement-uses", body).status_code == 422
    assert left(gold) == {"lounge": 2}


@pytest.mark.parametrize("use", ["use_", "use_ZZZZZZZZZZZZZZZZZZZZZZZZZZ", "mbr_x", "1"])
def test_what_names_no_use_is_not_found(app, programme, gold, use):
    desk = caller(app, service_key(programme, "entitlements:write"))

    assert desk.post(f"/v1/entitlement-uses/{use}/undo").status_code == 404


def test_problems_have_words_in_both_languages():
    for problem in (EntitlementUsedUp, EntitlementBlackout, NotEntitled, TooManyGuests, EntitlementUndone):
        assert problem.title("en")
        assert problem.zh != Problem.zh
