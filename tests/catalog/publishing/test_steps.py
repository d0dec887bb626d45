"""The five steps: each says what is missing or wrong, by name and field; what the demo sells passes all of them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.analytics import demo_offers
from base import clock, database
from catalog.offers import forms
from catalog.offers.forms import BadForm
from catalog.publishing import contents, costs, steps
from catalog.publishing.steps import COST, STEPS, faults_within
from merchants import merchants
from tests.catalog.publishing.setting_up import A_CREDIT, WHOLE, in_days
from tests.given import given_offer, given_programme, given_shop

CASE = {"member": "mbr_1", "reason": "a rival's offer", "expected": "stays a year"}
BAD = {  # what is changed in a whole content: the step that says so, by which name, about which field
    "no cost": ({"cost_fen": None}, "cost", "cost-missing", "cost_fen"),
    "cost below zero": ({"cost_fen": -1}, "cost", "bad-cost", "cost_fen"),
    "no value": ({"value_fen": None}, "cost", "offer-incomplete", "value_fen"),
    "value zero": ({"value_fen": 0}, "cost", "bad-value", "value_fen"),
    "value below zero": ({"value_fen": -5}, "cost", "bad-value", "value_fen"),
    "value beyond reason": ({"value_fen": 10**18}, "cost", "bad-value", "value_fen"),
    "another currency": ({"currency": "USD"}, "cost", "other-currency", "currency"),
    "all in cash": ({"cash_choices": [1000]}, "cost", "bad-cash-choice", "cash_choices"),
    "cash twice": ({"cash_choices": [5, 5]}, "cost", "bad-cash-choice", "cash_choices"),
    "no English name": ({"names": {"zh-CN": "券"}}, "content", "missing-translation", "names.en"),
    "no Chinese text": ({"texts": {"en": "x"}}, "content", "missing-translation", "texts.zh-CN"),
    "half of the terms": ({"terms": {"en": "x"}}, "content", "missing-translation", "terms.zh-CN"),
    "a blank name": ({"names": {"zh-CN": "券", "en": " "}}, "content", "missing-translation", "names.en"),
    "no names": ({"names": {}}, "content", "offer-incomplete", "names"),
    "a long name": ({"names": {"zh-CN": "券" * 61, "en": "x"}}, "content", "bad-text", "names.zh-CN"),
    "no category": ({"category": None}, "content", "offer-incomplete", "category"),
    "unknown category": ({"category": "wine"}, "content", "category-unknown", "category"),
    "unknown picture": ({"pictures": ["0" * 64]}, "content", "picture-unknown", "pictures"),
    "no hash at all": ({"pictures": ["x"]}, "content", "picture-unknown", "pictures"),
    "nobody says whether": ({"cancellable": None}, "rules", "offer-incomplete", "cancellable"),
    "none at once": ({"most_units": 0}, "rules", "bad-count", "most_units"),
    "valid for no day": ({"voucher_days": 0}, "rules", "bad-count", "voucher_days"),
    "percentage over 100": ({"limits": [{"percent": 101}]}, "rules", "percentage-over100", "limits.0.percent"),
    "percentage below 0": ({"eligibility": {"off_percent": -1}}, "rules", "percentage-over100", "eligibility.off_percent"),
    "a window the wrong way": ({"limits": [{"from": "2026-05-02", "until": "2026-05-01"}]}, "rules", "ends-before-it-starts", "limits.0.until"),
    "an end before the start": ({"from_at": 5, "until_at": 4}, "rules", "ends-before-it-starts", "until_at"),
    "an end that is over": ({"until_at": -1}, "rules", "ends-before-it-starts", "until_at"),
    "an event before the offer": ({"from_at": 5, "event_at": 4}, "rules", "ends-before-it-starts", "event_at"),
    "a start in the past": ({"from_at": -1}, "rules", "starts-in-the-past", "from_at"),
    "a form nobody knows": ({"form": {"x": 1}}, "rules", "bad-form", "form.type"),
    "unknown class": ({"approval_class": "urgent"}, "rules", "approval-class-unknown", "approval_class"),
    "a case without words": ({"approval_class": "extension", "case": CASE | {"expected": None}}, "rules", "case-missing", "case.expected"),
    "no merchant": ({"merchant": None}, "resource", "offer-incomplete", "merchant"),
    "no days": ({"voucher_days": None}, "resource", "offer-incomplete", "voucher_days"),
    "unknown merchant": ({"merchant": "nobody"}, "resource", "merchant-unknown", "merchant"),
    "no terms yet": ({"merchant": "fresh"}, "resource", "no-terms-in-force", "merchant"),
    "a suspended merchant": ({"merchant": "gone"}, "resource", "merchant-not-active", "merchant"),
    "a merchant with other money": ({"merchant": "abroad"}, "resource", "other-currency", "merchant"),
    "nothing said of stock": ({"stock": ...}, "stock", "offer-incomplete", "stock"),
    "stock of none": ({"stock": 0}, "stock", "bad-count", "stock"),
}  # fmt: skip


@pytest.fixture
def programme(db):
    programme = given_programme()
    given_shop("tea")
    for code in ("gone", "abroad"):
        given_shop(code)
    with database.begin() as session:
        place = {"zone": "Asia/Shanghai", "city": "Hangzhou"}
        merchants.add(session, "fresh", {"zh-CN": "x", "en": "x"}, currency="CNY", **place)
        merchants.by_code(session, "gone").state = "suspended"
        merchants.by_code(session, "abroad").currency = "USD"
    return programme


def faults(programme, content, kind="voucher", *, is_new=True):
    """What is wrong with a content: (step, name of the problem, field)."""
    content = {
        name: in_days(value) if name.endswith("_at") and isinstance(value, int) else value
        for name, value in content.items()
        if value is not ...
    }
    with database.begin() as session:
        found = steps.of(session, programme, kind, "tea-10", content, is_new=is_new, at=clock.now())
    assert [step.name for step in found] == list(STEPS)
    return [
        (step.name, fault.type_name(), fault.facts.get("field")) for step in found for fault in step.faults
    ]


def test_each_thing_that_can_be_wrong_is_named_with_its_field_and_nothing_else_is(programme):
    whole = WHOLE | {"currency": "CNY"}

    told = {name: faults(programme, whole | changed) for name, (changed, *_) in BAD.items()}

    assert faults(programme, whole) == []
    assert {name: said for name, said in told.items() if said != [BAD[name][1:]]} == {}  # fmt: skip


def test_kind_form_and_stock_are_asked_for_by_what_the_offer_is(programme, monkeypatch):
    def refuses(offer):
        raise BadForm(field="form.size", why="must be small")

    monkeypatch.setattr(forms, "_checks", {"perk": refuses})
    perk = A_CREDIT | {"category": "club"}

    assert faults(programme, A_CREDIT, "bill_credit") == []
    assert faults(programme, A_CREDIT, "wine") == [("rules", "offer-kind-unknown", "kind")]
    assert faults(programme, A_CREDIT, "history") == [("rules", "offer-kind-unknown", "kind")]
    assert faults(programme, perk, "perk") == [("rules", "bad-form", "form.size")]
    assert faults(programme, A_CREDIT, "bill_credit", is_new=False) == []
    assert faults(programme, A_CREDIT | {"stock": 5}, "bill_credit", is_new=False) == [
        ("stock", "stock-elsewhere", "stock")
    ]


def test_the_parts_of_a_bundle_are_asked_for_as_they_stand(programme):
    service, credit = (given_offer(programme, kind) for kind in ("service", "bill_credit"))

    def told(*parts):
        form = {"parts": [{"offer": code, "units": 1} for code in parts]}
        return faults(programme, A_CREDIT | {"form": form, "cancellable": False}, "bundle")

    assert told(service.code) == []
    assert told(service.code, credit.code) == [("rules", "two-external-parts", "parts")]
    assert told("nothing") == [("rules", "bad-parts", "parts/0/offer")]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"eligibility": {"tiers": []}}, ("rules", "bad-eligibility", "tiers")),
        ({"limits": [{"most": 0, "of": "member", "per": "day"}]}, ("rules", "bad-limits", "limits/0")),
        ({"budget": "bud_0000000000001"}, ("stock", "budget-unknown", "budget")),
    ],
)
def test_conditions_limits_and_budget_are_read_as_they_are_when_it_is_redeemed(programme, more, said):
    assert faults(programme, A_CREDIT | more, "bill_credit") == [said]


def test_an_event_counts_its_own_places_and_has_no_stock(programme):
    event = A_CREDIT | {"event_at": 9, "form": {"capacity": 20}, "most_units": 1, "category": "club"}

    assert faults(programme, event, "event") == []
    assert faults(programme, event | {"stock": 20}, "event") == [("stock", "bad-count", "stock")]


def test_every_offer_of_the_demo_passes(db):
    programme, at = given_programme(), clock.now()
    shops = list(demo_offers.shops())
    made = {}
    for shop in shops[:12]:  # one city: each trade once
        made[shop.code] = given_shop(shop.code).merchant
    offered = [(values, None) for values in demo_offers.credits(at)]
    offered += [
        (demo_offers.vouchers(shop, made[shop.code].merchant_id, number, at), None)
        for number, shop in enumerate(shops[:12])
    ]
    offered += [(values, None) for values in demo_offers.services(at)]
    offered += list(demo_offers.perks(at, at + timedelta(days=1)))
    codes = {merchant.merchant_id: code for code, merchant in made.items()}
    wrong = {}

    for values, stock in offered:
        merchant = codes.get(values.get("merchant_id"))
        content = {name: value for name, value in values.items() if name in contents.FIELDS}
        content |= {"merchant": merchant, "stock": stock, "currency": "CNY", "from_at": None}
        content["event_at"] = content["event_at"].isoformat() if content.get("event_at") else None
        if said := faults(programme, content, values["kind"]):
            wrong[values["code"]] = said

    assert len(offered) == 26
    assert wrong == {}


@pytest.mark.parametrize(
    ("kind", "cost", "credit", "more", "said"),
    [
        ("voucher", 850, 1000, {}, []),
        ("voucher", 1100, 1500, {}, ["cost-above-value"]),
        ("voucher", 900, 800, {}, ["cost-above-credit"]),
        ("voucher", 960, 1000, {}, ["thin-margin"]),
        ("bill_credit", 1000, 1000, {}, []),
        ("voucher", 850, None, {}, ["no-rate"]),
        ("perk", 850, 1000, {"approval_class": "value_added"}, ["no-budget"]),
        ("voucher", None, 1000, {}, []),
    ],
)
def test_what_looks_dear_is_said(kind, cost, credit, more, said):
    document = {"value_fen": 1000, "cost_fen": cost} | more

    assert [one.name for one in costs.concerns(kind, document, credit)] == said
    assert COST == "cost"


PLAIN = st.none() | st.booleans() | st.text(max_size=3)
RULES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner), max_leaves=8
)  # fmt: skip


@given(RULES, st.lists(st.sampled_from(["a", "b"]), max_size=4), st.integers(-300, 300))
def test_a_percentage_is_found_wherever_it_is_and_nothing_else_is(rule, path, percent):
    placed = {"percent": percent, "rest": rule}
    for name in path:
        placed = {name: [placed]}

    found = list(faults_within(placed, "limits"))

    assert list(faults_within(rule, "limits")) == []
    assert [type(one).__name__ for one in found] == ["PercentageOver100"] * (not 0 <= percent <= 100)
