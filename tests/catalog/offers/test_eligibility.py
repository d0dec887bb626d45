"""Whom an offer is for: its JSON there and back, each reason in words, and the one that is told."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.channels import MEMBER_WEB
from base.ids import public
from catalog.offers import eligibility
from catalog.offers.eligibility import BadEligibility
from catalog.offers.eligibility_words import Names
from catalog.offers.offers import OfferUnknown
from catalog.offers.why_not import why_not
from points.kinds import State
from points.lines.states import Line, LineState
from points.members.facts import Facts, after_months, full_months
from tests.sparse import examples

ZONE = "Asia/Shanghai"
AT = datetime(2026, 11, 9, 4, 30, tzinfo=UTC)  # a Monday, 12:30 in Shanghai
TODAY = date(2026, 11, 9)
NAMES = Names({"gold": {"zh-CN": "金卡", "en": "Gold"}}, {"3301": {"zh-CN": "杭州", "en": "Hangzhou"}})


def facts(**more) -> Facts:
    values = {
        "member_id": 1, "on": TODAY, "programme_id": 1, "programme": "gotone", "kind": "person", "group_class": None,
        "contact_of": frozenset(), "area": "330106", "tiers": ("silver",), "tiers_until": None, "arpu_fen": 6_000,
        "risk": 1, "joined_on": date(2026, 6, 12), "left_on": None, "wallet": State.OPEN,
        "line": Line(LineState.ACTIVE, None), "birthday_month": 12, "interests": frozenset(), "segments": frozenset({7}),
    }  # fmt: skip
    return Facts(**(values | more))


def asked(said: dict, **more):
    return why_not(
        eligibility.parse(said), facts(**more), AT, ZONE, MEMBER_WEB, names=NAMES,
    )  # fmt: skip


SENTENCES = [
    ({"contacts": [{"class": "top", "rank": "senior"}, {"class": "a"}]}, "not-for-these-contacts",
     "仅限百强集团高层领导或A 类集团联系人。", "Only for senior contacts of top 100 groups or contacts of class A groups.", None),
    ({"areas": ["3302", "11"]}, "not-in-this-area", "仅限3302或11。", "Only in 3302 or 11.", None),
    ({"tiers": ["gold", "diamond"]}, "needs-tier", "需要金卡或钻石卡，您是银卡。", "Needs Gold or Diamond; you have Silver.", None),
    ({"segments": [public("seg", 8)]}, "not-invited", "该权益仅限受邀会员。", "Only for members who were invited.", None),
    ({"interests": ["travel", "health"]}, "needs-interest", "仅限对旅游或健康养生感兴趣并同意使用该信息的会员。",
     "Only for members interested in travel or health who agreed that we use it.", None),
    ({"arpu_fen": {"from": 10_000, "below": 20_000}}, "not-for-this-bill", "仅限月均消费不低于 100.00 元、低于 200.00 元的客户。",
     "Only for monthly bills of 100.00 yuan or more and below 200.00 yuan.", None),
    ({"lines": ["new", "rejoined"]}, "not-for-this-line", "仅限新入网或重新入网的号码，您的号码正常使用。",
     "Only for lines that are new or joined again; yours is active.", None),
    ({"channels": ["hall"]}, "another-channel", "请通过营业厅办理。", "Only by service hall.", None),
    ({"tenure_months": 6}, "line-too-young", "您的入网时间为 4 个月，需满 6 个月：2026 年 12 月 12 日起。",
     "Your line is 4 months old and needs 6: from 12 December 2026.", "2026-12-12T00:00:00+08:00"),
    ({"birthday_month": True}, "not-your-birthday-month", "仅限您的生日当月；下次为 2026 年 12 月 1 日。",
     "Only in the month of your birthday; next on 1 December 2026.", "2026-12-01T00:00:00+08:00"),
    ({"member_days": {"days": [8]}}, "not-member-day", "仅限每月 8 日；下次为 2026 年 12 月 8 日。",
     "Only on the 8th of each month; next on 8 December 2026.", "2026-12-08T00:00:00+08:00"),
    ({"member_days": {"weekdays": [3, 5]}}, "not-member-day", "仅限每周三、五；下次为 2026 年 11 月 11 日。",
     "Only on each Wednesday or Friday; next on 11 November 2026.", "2026-11-11T00:00:00+08:00"),
    ({"closed": [{"from": "2026-11-08", "to": "2026-11-10"}]}, "closed-that-day",
     "2026 年 11 月 8 日至2026 年 11 月 10 日不开放；从 2026 年 11 月 11 日起。",
     "Closed from 8 November 2026 to 10 November 2026; open from 11 November 2026.", "2026-11-11T00:00:00+08:00"),
    ({"hours": [{"weekdays": [1, 2], "from": "09:00", "until": "12:00"}]}, "offer-outside-hours",
     "仅限每周一、二 09:00-12:00；下次为 2026 年 11 月 10 日 09:00。",
     "Only 09:00-12:00 on Monday or Tuesday; next on 10 November 2026, 09:00.", "2026-11-10T09:00:00+08:00"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "kind", "zh", "en", "moment"), SENTENCES, ids=[s[1] for s in SENTENCES])
def test_each_reason_says_in_both_languages_what_it_takes_and_from_when(said, kind, zh, en, moment):
    told = asked(said)

    assert told is not None
    assert told.type_name() == kind
    assert told.facts["explanation"] == {"zh-CN": zh, "en": en}
    assert told.facts.get("possible_from") == moment


def test_who_meets_all_of_it_is_not_refused():
    said = {
        "contacts": [{"class": "a"}], "areas": ["3301"], "tiers": ["silver"], "segments": [public("seg", 7)],
        "interests": ["travel"], "arpu_fen": {"from": 6_000}, "lines": ["active"], "channels": [MEMBER_WEB], "risk": [1],
        "tenure_months": 4, "birthday_month": True, "member_days": {"days": [9]}, "hours": [{"from": "12:00"}],
        "closed": [{"from": "2026-11-10"}],
    }  # fmt: skip
    mine = {
        "contact_of": frozenset({("a", "ordinary")}),
        "interests": frozenset({"travel"}),
        "birthday_month": 11,
    }

    assert asked(said, **mine) is None
    assert asked({}) is None


def test_an_offer_of_a_risk_grade_or_of_a_segment_that_asks_for_it_is_not_there_for_others():
    hidden = eligibility.parse({"segments": [public("seg", 8)], "tiers": ["gold"]}, frozenset({8, 9}))

    told = [asked({"risk": [3, 4], "tiers": ["gold"]}), asked({"risk": [3, 4]}, risk=None)]
    told.append(why_not(hidden, facts(), AT, ZONE, MEMBER_WEB))

    assert [type(one) for one in told] == [OfferUnknown] * 3
    assert not any(one.facts for one in told)
    assert isinstance(why_not(hidden, facts(segments=frozenset({8})), AT, ZONE, MEMBER_WEB), Exception)
    assert asked({"risk": [3, 4]}, risk=4) is None


def test_what_waiting_does_not_bring_is_told_first_and_then_when_all_of_it_will_be_there():
    both = asked({"member_days": {"days": [8]}, "tiers": ["gold"]})
    later = asked({"tenure_months": 6, "member_days": {"days": [8]}, "hours": [{"from": "09:00"}]})
    ended = why_not(
        eligibility.parse({"tenure_months": 60}), facts(), AT, ZONE, MEMBER_WEB, until=datetime(2027, 1, 1, tzinfo=UTC)
    )  # fmt: skip

    assert both.type_name() == "needs-tier"
    assert "possible_from" not in both.facts
    assert later.type_name() == "line-too-young"
    assert later.facts["possible_from"] == "2027-01-08T09:00:00+08:00"
    assert later.facts["explanation"]["en"] == (
        "Your line is 4 months old and needs 6: from 12 December 2026, open to you from 8 January 2027, 09:00."
    )
    assert "possible_from" not in ended.facts


BAD = [
    ({"colour": "red"}, "colour"), ({"tiers": []}, "tiers"), ({"tiers": ["no tier!"]}, "tiers"), ({"areas": ["3"]}, "areas"),
    ({"contacts": [{"class": "z"}]}, "contacts"), ({"contacts": [{"class": "a", "rank": "boss"}]}, "contacts"),
    ({"segments": ["7"]}, "segments"), ({"segments": [7]}, "segments"), ({"interests": ["gold"]}, "interests"),
    ({"arpu_fen": {}}, "arpu_fen"), ({"arpu_fen": {"from": 5, "below": 5}}, "arpu_fen"), ({"lines": ["alive"]}, "lines"),
    ({"channels": ["fax"]}, "channels"), ({"risk": [5]}, "risk"), ({"risk": [True]}, "risk"),
    ({"tenure_months": -1}, "tenure_months"), ({"birthday_month": 1}, "birthday_month"), ({"member_days": {}}, "member_days"),
    ({"member_days": {"days": [32]}}, "member_days"), ({"hours": [{"from": "9:00"}]}, "hours"),
    ({"hours": [{"from": "22:00", "until": "02:00"}]}, "hours"), ({"closed": [{"from": "2026-13-01"}]}, "closed"),
    ({"closed": [{"from": "2026-12-02", "to": "2026-12-01"}]}, "closed"), ([], "eligibility"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "name"), BAD)
def test_what_cannot_be_read_is_refused_by_its_field(said, name):
    with pytest.raises(BadEligibility) as refused:
        eligibility.parse(said)

    assert refused.value.facts["field"] == name


def lists(values):
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


MINUTES = st.integers(0, 1439)
OF = {
    "contacts": st.lists(st.fixed_dictionaries({"class": st.sampled_from("ab")},
                                               optional={"rank": st.sampled_from(["senior", "ordinary"])}),
                         min_size=1, max_size=3),
    "areas": lists(["33", "3301", "330106", "11"]), "tiers": lists(["gold", "silver", "star5"]),
    "segments": lists([public("seg", n) for n in (7, 8, 9)]), "interests": lists(["travel", "health"]),
    "arpu_fen": st.sampled_from([{"from": 5_000}, {"below": 6_000}, {"from": 6_000, "below": 7_000}]),
    "lines": lists(["active", "new", "suspended"]), "channels": lists([MEMBER_WEB, "hall", "hotline"]),
    "risk": lists([0, 1, 4]), "tenure_months": st.integers(0, 12), "birthday_month": st.booleans(),
    "member_days": st.sampled_from([{"days": [8, 9]}, {"weekdays": [1]}, {"days": [31], "weekdays": [7]}]),
    "hours": st.lists(st.sampled_from([{"from": "12:00"}, {"until": "12:00"}, {"weekdays": [2, 3]}]), min_size=1, max_size=2),
    "closed": st.lists(st.sampled_from([{"from": "2026-11-09"}, {"from": "2026-11-01", "to": "2026-11-08"}]),
                       min_size=1, max_size=2),
}  # fmt: skip
SAID = st.fixed_dictionaries({}, optional=OF)
PEOPLE = st.builds(
    facts,
    contact_of=st.frozensets(st.tuples(st.sampled_from("ab"), st.sampled_from(["senior", "ordinary"])), max_size=2),
    area=st.sampled_from(["330106", "3301", "110101", ""]), tiers=st.sampled_from([(), ("gold",), ("silver", "star5")]),
    arpu_fen=st.sampled_from([None, 4_999, 5_000, 6_000, 7_000]), risk=st.sampled_from([None, 0, 1, 4]),
    joined_on=st.dates(date(2025, 10, 1), TODAY), birthday_month=st.sampled_from([None, 11, 12]),
    line=st.sampled_from([Line(LineState.ACTIVE, None), Line(LineState.NEW, None)]),
    interests=st.frozensets(st.sampled_from(["travel", "health"])), segments=st.frozensets(st.sampled_from([7, 8])),
)  # fmt: skip


def plainly(said: dict, who: Facts) -> bool:
    """Whether the offer is for a member, condition by condition as one would say them."""
    tests = {
        "contacts": lambda v: any(
            c == one["class"] and one.get("rank", r) == r for one in v for c, r in who.contact_of
        ),
        "areas": lambda v: any(who.area[: len(a)] == a for a in v),
        "tiers": lambda v: any(t in who.tiers for t in v),
        "segments": lambda v: any(public("seg", s) in v for s in who.segments),
        "interests": lambda v: any(i in who.interests for i in v),
        "arpu_fen": lambda v: who.arpu_fen is not None and v.get("from", 0) <= who.arpu_fen < v.get("below", 10**9),
        "lines": lambda v: str(who.line.state) in v,
        "channels": lambda v: MEMBER_WEB in v,
        "risk": lambda v: who.risk in v,
        "tenure_months": lambda v: full_months(who.joined_on, TODAY) >= v,
        "birthday_month": lambda v: not v or who.birthday_month == 11,
        "member_days": lambda v: 9 in v.get("days", ()) or 1 in v.get("weekdays", ()),
        "hours": lambda v: any("until" not in h and 1 in h.get("weekdays", [1]) for h in v),
        "closed": lambda v: not any(c["from"] == "2026-11-09" for c in v),
    }  # fmt: skip
    return all(tests[name](value) for name, value in said.items())


@settings(max_examples=examples(150))
@given(SAID, PEOPLE)
def test_a_rule_says_what_its_conditions_say_one_by_one(said, who):
    rule = eligibility.parse(said)

    told = why_not(rule, who, AT, ZONE, MEMBER_WEB)

    assert (told is None) == plainly(said, who)
    assert rule.is_empty or eligibility.stored(rule)
    if isinstance(told, OfferUnknown):
        assert who.risk not in said["risk"]


@given(SAID)
def test_a_rule_goes_to_json_and_back(said):
    rule = eligibility.parse(said)

    assert eligibility.parse(eligibility.stored(rule)) == rule


@given(st.dates(date(2000, 1, 1), date(2030, 12, 31)), st.integers(0, 240))
def test_the_day_on_which_months_are_full_is_the_first_one(since, months):
    first = after_months(since, months)

    assert full_months(since, first) >= months
    assert not months or full_months(since, first.fromordinal(first.toordinal() - 1)) < months
