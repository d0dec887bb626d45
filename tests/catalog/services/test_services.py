"""Services are ordered as TM Forum TMF622 says, with their monthly price shown first."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from base import calls
from catalog.offers.forms import BadForm
from catalog.offers.models import Offer
from catalog.redemptions import asking
from catalog.redemptions.outcomes import Done, Ended, NotFound, Refused, UnderWay, Unknown, Unreachable, Wrong
from catalog.services import orders, product_orders
from catalog.services.product_orders import ServiceOrder, body_of, judge
from tests.catalog import stand_ins
from tests.given import (
    FORMS,
    caller,
    given_bundle,
    given_group,
    given_member,
    given_offer,
    given_programme,
    member_token,
)

ORDER = ServiceOrder("C000001", "data-10g", 1, 3, "red_1")
SWAGGER = json.loads(
    (Path(__file__).parents[2] / "data/tmf/TMF622-ProductOrder-v4.0.0.swagger.json").read_text("utf-8")
)


def told(state="completed", **changed):
    return body_of(ORDER) | {"id": "o1", "state": state} | changed


def test_the_body_that_is_sent_keeps_to_the_published_definition():
    Draft4Validator(SWAGGER | {"$ref": "#/definitions/ProductOrder_Create"}).validate(body_of(ORDER))
    assert body_of(ORDER)["externalId"] == ORDER.reference
    assert SWAGGER["basePath"] + "productOrder" == product_orders.ORDERS


def test_every_state_of_the_definition_has_a_meaning():
    found = {
        state: type(judge(ORDER, [product_orders._order(told(state))]))
        for state in SWAGGER["definitions"]["ProductOrderStateType"]["enum"]
    }

    assert {state for state, outcome in found.items() if outcome is Done} == {"completed"}
    assert {state for state, outcome in found.items() if outcome is Ended} == {
        "rejected",
        "failed",
        "cancelled",
    }
    assert {state for state, outcome in found.items() if outcome is Wrong} == {
        "partial", "assessingCancellation", "pendingCancellation",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (201, told(), Done),
        (201, told("inProgress"), UnderWay),
        (201, told("rejected"), Ended),
        (201, told(externalId="red_2"), Wrong),
        (201, told(relatedParty=[{"id": "C000002", "@referredType": "Customer"}]), Wrong),
        (
            201,
            told(productOrderItem=[{"id": "1", "action": "add", "productOffering": {"id": "other"}}]),
            Wrong,
        ),
        (201, [], Unknown),
        (422, {"code": "20", "reason": "not eligible"}, Refused),
        (404, "<html>", Unknown),
        (408, {"code": "20", "reason": "late"}, Unknown),
        (401, {"code": "20", "reason": "key"}, Unreachable),
        (429, {}, Unreachable),
        (500, {"code": "1", "reason": "broken"}, Unknown),
    ],
)
def test_what_an_answer_to_an_order_means(monkeypatch, status, body, kind):
    text = body if isinstance(body, str) else json.dumps(body)
    monkeypatch.setattr(calls, "call", lambda *a: calls.Answered(status, text.encode(), {}))

    assert type(product_orders.send("http://ordering.test", ORDER)) is kind


@pytest.mark.parametrize(
    ("status", "rows", "total", "kind"),
    [
        (200, [told()], "1", Done),
        (200, [], "0", NotFound),
        (200, [told(externalId="red_2")], "1", NotFound),
        (200, [told(), told(id="o2")], "2", Wrong),
        (200, [told("rejected"), told()], "2", Done),
        (200, [told("rejected")], "1", Ended),
        (200, [told()], "2", Unknown),
        (200, [told()], None, Unknown),
        (200, {"orders": []}, "0", Unknown),
        (200, [1], "1", Unknown),
        (503, [], "0", Unknown),
        (404, [], "0", Unknown),
    ],
)
def test_only_a_whole_readable_list_says_that_there_is_nothing(monkeypatch, status, rows, total, kind):
    headers = {"X-Total-Count": total} if total else {}
    monkeypatch.setattr(calls, "call", lambda *a: calls.Answered(status, json.dumps(rows).encode(), headers))

    assert type(product_orders.look_up("http://ordering.test", ORDER)) is kind


def test_a_look_that_does_not_get_through_says_nothing(monkeypatch):
    monkeypatch.setattr(calls, "call", lambda *a: calls.NotSent("refused"))

    assert type(asking.look("http://x.test", "/", 1)) is Unknown
    assert type(asking.send("http://x.test", "/", {}, 1)) is Unreachable


def test_the_monthly_price_is_in_the_quote_also_of_a_bundle_and_a_group_cannot_buy_it(app, db):
    programme = given_programme()
    service = given_offer(programme, "service", value_fen=500)
    bundle = given_bundle(programme, service, value_fen=400)
    member_id = given_member(db, programme, points=1000)
    member = caller(app, member_token(member_id))

    quoted = [member.quote(offer).json["services"] for offer in (service, bundle)]

    assert (
        quoted
        == [[{"names": service.names, "months": 3, "monthly": {"amount_fen": 1000, "currency": "CNY"}}]] * 2
    )
    group = stand_ins.ids.public("grp", given_group(db, programme, points=1000, caps={member_id: 900}))
    assert member.quote(service, group=group).json["type"] == "/problems/not-for-groups"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"months": 0}, "months"),
        ({"months": "3"}, "months"),
        ({"monthly_fen": -1}, "monthly_fen"),
        ({"service": ""}, "service"),
        ({"provider": "somebody"}, "provider"),
        ({"speed": 5}, "speed"),
    ],
)
def test_a_form_that_is_none_of_a_service_is_refused_by_its_field(changed, field):
    offer = Offer(kind="service", cancellable=False, form=FORMS["service"] | changed)

    with pytest.raises(BadForm) as refused:
        orders.check_form(offer)

    assert refused.value.facts["field"] == field
