"""The two readers of a rule, one member's facts and the whole table, never disagree; each condition says what it says."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from base import database
from points import ledger
from points.groups.models import CLASSES, RANKS
from points.kinds import State
from points.lines.states import LineState
from points.members import facts, members
from points.members.models import MemberFacts
from points.segments import rules
from points.segments.rules import KINDS, STATES, Conditions, Rule
from tests.given import given_member, given_merged, given_programme
from tests.points.lines.telling import days, tell
from tests.points.segments.peopled import given_class, given_contact, given_facts, today
from tests.sparse import examples

pytestmark = pytest.mark.untold

AREAS, TIERS, INTERESTS = ("33", "3301", "330106", "3302", "44"), ("gold", "silver"), ("health", "travel")
MONTHS = ("01-31", "02-28", "02-29", "11-05", "12-31")


@pytest.fixture
def people(db):
    """Members of every kind and state of line, in two programmes; who they are otherwise is drawn anew each time."""
    home, other = given_programme(minimum_tenure_days=90), given_programme("mzone")
    made = [given_member(db, home, joined_on=today() - days(400)) for _ in range(9)]
    made += [given_member(db, other), given_member(db, other, joined_on=today() - days(10))]
    young, left, frozen = (given_member(db, home, joined_on=today() - days(30)) for _ in range(3))
    top, plain, c = made[0], made[1], made[2]
    for group_id, group_class in ((top, "top"), (plain, "b"), (c, "c")):
        given_class(group_id, group_class)
    given_contact(top, made[3], "senior")
    given_contact(plain, made[3], "ordinary")
    given_contact(plain, made[4], "senior")
    given_contact(c, top, "middle")
    tell(db, made[5], LineState.SUSPENDED, today() - days(20))
    tell(db, made[6], LineState.SUSPENDED, today() - days(20))
    tell(db, made[6], LineState.ACTIVE, today() - days(10))
    tell(db, made[7], LineState.TRANSFER, today() - days(2))
    given_merged(made[8], top)
    with database.begin() as session:
        members.leave(session, left, today())
        ledger.set_state(session, frozen, State.FROZEN)
    return [*made, young, left, frozen]


PERSON = st.fixed_dictionaries({
    "arpu_fen": st.none() | st.sampled_from((0, 4_999, 5_000, 9_999, 10_000)),
    "risk": st.none() | st.integers(0, 4),
    "area": st.sampled_from(("", *AREAS)),
    "birthday": st.none() | st.sampled_from(MONTHS),
    "tiers": st.lists(st.sampled_from(TIERS), max_size=2),
    "tiers_until": st.none() | st.sampled_from([str(today() + timedelta(days=n)) for n in (-1, 0, 1)]),
    "interests": st.lists(st.sampled_from(INTERESTS), max_size=2),
})  # fmt: skip


def some(values):
    return st.just(()) | st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(tuple)


def maybe(numbers):
    return st.none() | st.sampled_from(numbers)


CONDITIONS = st.builds(
    Conditions,
    programmes=some(("gotone", "mzone")),
    kinds=some(KINDS),
    classes=some(CLASSES),
    ranks=some(RANKS),
    areas=some(AREAS),
    tiers=some(TIERS),
    interests=some(INTERESTS),
    lines=some(tuple(map(str, STATES))),
    birthday_months=some((1, 2, 12)),
    birthday_this_month=st.booleans(),
    arpu_from_fen=maybe((0, 5_000)),
    arpu_below_fen=maybe((5_000, 10_000)),
    risk_at_least=maybe((0, 3)),
    risk_at_most=maybe((2, 4)),
    tenure_from_months=maybe((0, 1, 3, 13)),
    tenure_below_months=maybe((1, 13, 14)),
)
NOTHING = Conditions()
NAMES = tuple(NOTHING.__dataclass_fields__)


@st.composite
def few(draw):
    """Conditions of which only some are kept, so that now and then somebody meets them all."""
    drawn, kept = draw(CONDITIONS), draw(st.sets(st.sampled_from(NAMES), min_size=1, max_size=3))
    return replace(drawn, **{name: getattr(NOTHING, name) for name in NAMES if name not in kept})


RULES = st.builds(Rule, few(), st.just(NOTHING) | few())


def found(rule, on):
    with database.begin() as session:
        return set(session.scalars(select(MemberFacts.member_id).where(rules.where(rule, on))))


def met(rule, people, on):
    with database.begin() as session:
        return {one for one in people if rules.holds(rule, facts.of(session, one, on))}


def tell_all(told):
    with database.begin() as session:
        session.execute(
            text(
                "update member_facts f set arpu_fen = t.arpu_fen, risk = t.risk, area = t.area, birthday = t.birthday, "
                "tiers = t.tiers, tiers_until = t.tiers_until, interests = t.interests "
                "from jsonb_populate_recordset(null::member_facts, cast(:told as jsonb)) t "
                "where t.member_id = f.member_id"
            ),
            {"told": json.dumps([{"member_id": one} | said for one, said in told.items()])},
        )


@settings(
    max_examples=examples(250), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_the_rule_and_whoever_the_members_both_readers_agree(people, data):
    tell_all({one: data.draw(PERSON) for one in people})
    on = today() + timedelta(days=data.draw(st.sampled_from((0, 0, 1, 31, 90))))
    rule = data.draw(RULES)

    assert found(rule, on) == met(rule, people, on)


@given(RULES)
def test_a_stored_rule_is_the_rule_again(rule):
    said = json.loads(json.dumps(rules.stored(rule)))

    assert rules.read(said) == rule


@given(st.dates(date(2019, 1, 1), date(2032, 1, 1)), st.integers(0, 60), st.integers(0, 1_000))
def test_the_joining_day_of_so_many_months_ago_is_the_last_one_that_makes_them(on, months, back):
    since = on - timedelta(days=back)

    assert (facts.full_months(since, on) >= months) == (since <= rules.months_ago(on, months))


# Each condition by itself: who of a few is meant


@pytest.fixture
def named(db):
    """Ann, senior in a top-100 group; Bo of Hangzhou with gold; Cy of Guangdong; the group; the one who left."""
    programme, young = given_programme(), given_programme("mzone")
    names = {name: given_member(db, programme) for name in ("ann", "bo", "group", "left")}
    names["cy"] = given_member(db, young, joined_on=today() - days(10))
    given_class(names["group"], "top")
    given_contact(names["group"], names["ann"], "senior")
    given_facts(names["ann"], risk=4, arpu_fen=20_000, birthday=f"{today():%m}-01")
    given_facts(names["bo"], area="330106", tiers=["gold"], arpu_fen=5_000, interests=["health"], risk=0)
    given_facts(names["cy"], area="440100", arpu_fen=10_000, tiers=["gold"], tiers_until=today() - days(1))
    with database.begin() as session:
        members.leave(session, names["left"], today())
    return names


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ({"kinds": ("person",)}, "ann bo cy"),
        ({"kinds": ("group",)}, "group"),
        ({"kinds": ("contact",)}, "ann"),
        ({"classes": ("top",)}, "ann group"),
        ({"kinds": ("contact",), "classes": ("top",), "ranks": ("senior",)}, "ann"),
        ({"kinds": ("contact",), "classes": ("a",), "ranks": ("senior",)}, ""),
        ({"kinds": ("group",), "ranks": ("senior",)}, ""),
        ({"programmes": ("mzone",)}, "cy"),
        ({"areas": ("33",)}, "bo"),
        ({"areas": ("3302", "44")}, "cy"),
        ({"areas": ("3301",), "tiers": ("gold",)}, "bo"),
        ({"tiers": ("gold", "silver")}, "bo"),
        ({"interests": ("health",)}, "bo"),
        ({"arpu_from_fen": 5_000, "arpu_below_fen": 10_000}, "bo"),
        ({"arpu_from_fen": 0}, "ann bo cy"),
        ({"risk_at_least": 3}, "ann"),
        ({"risk_at_most": 0}, "bo"),
        ({"tenure_below_months": 1}, "cy"),
        ({"tenure_from_months": 1}, "ann bo group"),
        ({"birthday_this_month": True}, "ann"),
        ({"lines": ("active",)}, "ann bo cy group"),
        ({"lines": ("suspended",)}, ""),
    ],
)
def test_a_condition_means_these_members_and_no_others(named, asked, meant):
    rule, on = Rule(Conditions(**asked)), today()

    assert {name for name, one in named.items() if one in found(rule, on)} == set(meant.split())
    assert found(rule, on) == met(rule, named.values(), on)


def test_those_who_meet_all_of_the_exclusion_are_left_out_and_what_is_not_known_excludes_nobody(named):
    rule = Rule(Conditions(kinds=("person",)), Conditions(areas=("33",), risk_at_most=1))

    assert {name for name, one in named.items() if one in found(rule, today())} == {"ann", "cy"}


@pytest.mark.parametrize("asked", [{"risk_at_least": 0}, {"risk_at_most": 4}])
def test_a_rule_that_asks_for_risk_says_that_it_may_only_add(asked):
    assert Rule(Conditions(**asked)).adds_only
    assert Rule(Conditions(areas=("33",)), Conditions(**asked)).adds_only
    assert not Rule(Conditions(areas=("33",))).adds_only


@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rule=RULES, at=st.integers(0, 13))
def test_in_two_parts_a_rule_finds_whom_it_finds_at_once(people, rule, at):
    on, cut = today(), sorted(people)[at]

    with database.begin() as session:
        parts = [
            set(session.scalars(select(MemberFacts.member_id).where(rules.where(rule, on, span))))
            for span in ((0, cut), (cut, 2**63 - 1))
        ]

    assert parts[0] | parts[1] == found(rule, on)
    assert all(one <= cut for one in parts[0])
    assert all(one > cut for one in parts[1])
