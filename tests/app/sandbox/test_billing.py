"""The billing sandbox keeps TMF654's contract, its own books, and does wrong only when told to."""

import json
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from app.sandbox.billing import create_sandbox
from app.sandbox.tmf654 import ADJUST, API, TOPUP, departures
from tests.sparse import examples

ROOT = Path(__file__).parents[3]
SWAGGER = json.loads((ROOT / "tests/data/tmf/TMF654-PrepayBalance-v4.0.0.swagger.json").read_text())
TOPUPS, ADJUSTS = f"{API}/topupBalance", f"{API}/adjustBalance"


@cache
def definition(name: str) -> Draft4Validator:
    return Draft4Validator(SWAGGER | {"$ref": f"#/definitions/{name}"})


def given_body(amount: object = 12.5, description: str = "red_1", bucket: str = "c1") -> dict[str, Any]:
    return {
        "amount": {"amount": amount, "units": "CNY"},
        "description": description,
        "usageType": "monetary",
        "bucket": {"id": bucket},
        "partyAccount": {"id": bucket},
    }


@pytest.fixture
def app() -> Flask:
    return create_sandbox()


@pytest.fixture
def billing(app: Flask) -> FlaskClient:
    return app.test_client()


def balance(billing: FlaskClient, bucket: str = "c1") -> Decimal:
    found = json.loads(billing.get(f"{API}/bucket/{bucket}").data, parse_float=Decimal)
    return Decimal(found["remainingValue"]["amount"])


def test_a_credit_is_answered_by_the_contract_and_changes_the_balance(billing):
    first = billing.post(TOPUPS, json=given_body(12.5))
    second = billing.post(TOPUPS, json=given_body(0.01))

    assert (first.status_code, second.status_code) == (201, 201)
    assert b'"amount": 12.50' in first.data
    assert first.headers["X-Sandbox"] == "jifen billing sandbox"
    definition("TopupBalance").validate(first.json)
    assert billing.get(first.headers["Location"]).json == first.json
    definition("Bucket").validate(billing.get(f"{API}/bucket/c1").json)
    assert balance(billing) == Decimal("12.51")


def test_the_same_body_twice_is_two_credits(billing):
    for _ in range(2):
        billing.post(TOPUPS, json=given_body(10))

    assert balance(billing) == 20
    assert len(billing.get(TOPUPS, query_string={"description": "red_1"}).json) == 2


def test_a_list_is_filtered_by_the_exact_description_and_paged(billing):
    for description in ("red_1", "red_2", "red_1", "red_10"):
        billing.post(TOPUPS, json=given_body(description=description))

    answer = billing.get(TOPUPS, query_string={"description": "red_1", "offset": 1, "limit": 1})
    nothing = billing.get(TOPUPS, query_string={"description": "red_"})

    assert [topup["id"] for topup in answer.json] == ["topup-3"]
    assert (answer.headers["X-Total-Count"], answer.headers["X-Result-Count"]) == ("2", "1")
    assert (nothing.json, nothing.headers["X-Total-Count"]) == ([], "0")
    assert len(billing.get(TOPUPS).json) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"amount": None},
        {"amount": {"amount": "12.50", "units": "CNY"}},
        {"amount": {"units": "CNY"}},
        {"amount": {"amount": 1}},
        {"amount": {"amount": 0, "units": "CNY"}},
        {"amount": {"amount": -1, "units": "CNY"}},
        {"amount": {"amount": 0.001, "units": "CNY"}},
        {"amount": {"amount": 1e300, "units": "CNY"}},
        {"usageType": "money"},
        {"bucket": {}},
        {"partyAccount": "c1"},
        {"product": [{"name": "no id"}]},
    ],
)
def test_a_wrong_body_is_refused_with_a_tmf_error(billing, change):
    answer = billing.post(TOPUPS, json=given_body() | change)

    assert answer.status_code == 400
    definition("Error").validate(answer.json)
    assert billing.get(TOPUPS).json == []


@pytest.mark.parametrize("needed", ["amount", "usageType", "bucket", "partyAccount"])
def test_what_the_definition_requires_is_required(billing, needed):
    body = given_body()
    del body[needed]

    assert billing.post(TOPUPS, json=body).status_code == 400


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"NaN", b'{"a": 1e99999999999999999999}', b"[" * 100_000])
def test_what_is_not_a_json_object_is_refused(billing, text):
    answer = billing.post(TOPUPS, data=text)

    assert answer.status_code == 400
    definition("Error").validate(answer.json)


def test_another_currency_on_the_same_bucket_is_refused(billing):
    billing.post(TOPUPS, json=given_body())

    answer = billing.post(TOPUPS, json=given_body() | {"amount": {"amount": 1, "units": "USD"}})

    assert answer.status_code == 409
    assert balance(billing) == Decimal("12.50")


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", f"{TOPUPS}/none", 404),
        ("GET", f"{API}/bucket/none", 404),
        ("PUT", TOPUPS, 405),
        ("GET", "/nowhere", 404),
        ("GET", f"{TOPUPS}?limit=-1", 400),
        ("GET", f"{TOPUPS}?offset=x", 400),
    ],
)
def test_errors_have_the_tmf_body(billing, verb, path, status):
    answer = billing.open(path, method=verb)

    assert answer.status_code == status
    definition("Error").validate(answer.json)


def given_adjust(
    amount: object = -2.5, description: str = "red_1:back", bucket: str = "c1"
) -> dict[str, Any]:
    body = given_body(amount, description, bucket) | {"reason": "r", "adjustType": "oneTime"}
    del body["partyAccount"]  # not in its definition
    return body


def test_an_adjustment_is_answered_by_the_contract_and_changes_the_balance(tmp_path):
    billing = create_sandbox(tmp_path / "state").test_client()
    billing.post(TOPUPS, json=given_body(12.5))

    first = billing.post(ADJUSTS, json=given_adjust(-2.5))
    second = billing.post(ADJUSTS, json=given_adjust(0.01, "red_2:back"))

    assert (first.status_code, second.status_code) == (201, 201)
    definition("AdjustBalance_Create").validate(given_adjust())
    definition("AdjustBalance").validate(first.json)
    assert billing.get(first.headers["Location"]).json == first.json
    found = billing.get(ADJUSTS, query_string={"description": "red_1:back"})
    assert (found.json, found.headers["X-Total-Count"]) == ([first.json], "1")
    assert len(billing.get(TOPUPS).json) == 1
    assert balance(billing) == Decimal("10.01")
    again = create_sandbox(tmp_path / "state").test_client()  # what it kept tells both apart
    assert balance(again) == Decimal("10.01")
    assert (len(again.get(TOPUPS).json), len(again.get(ADJUSTS).json)) == (1, 2)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (given_adjust(-12.51), 409),  # less than nothing would be left
        (given_adjust(bucket="c2"), 404),
        (given_adjust() | {"amount": {"amount": -1, "units": "USD"}}, 409),
        (given_adjust(0), 400),
        (given_adjust(-0.001), 400),
        (given_adjust() | {"adjustType": "twice"}, 400),
    ],
)
def test_an_adjustment_that_cannot_be_is_refused_with_a_tmf_error(billing, body, status):
    billing.post(TOPUPS, json=given_body(12.5))

    answer = billing.post(ADJUSTS, json=body)

    assert answer.status_code == status
    definition("Error").validate(answer.json)
    assert balance(billing) == Decimal("12.50")
    assert billing.get(ADJUSTS).json == []


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        ({"mode": "double"}, "-2.50"),
        ({"mode": "wrong_amount"}, "1.50"),
        ({"mode": "wrong_amount", "amount": -6}, "-1"),
        ({"mode": "lost_reply"}, "2.50"),
        ({"mode": "refuse"}, "5.00"),
    ],
)
def test_faults_of_adjustments_strike_them_alone(billing, fault, left):
    given_faults(billing, fault | {"on": "adjust"}, {"mode": "error", "on": "look_up_adjust"})
    assert billing.post(TOPUPS, json=given_body(5)).status_code == 201

    billing.post(ADJUSTS, json=given_adjust(-2.5 if fault["mode"] != "double" else -3.75))

    assert balance(billing) == Decimal(left)
    assert (billing.get(TOPUPS).status_code, billing.get(ADJUSTS).status_code) == (200, 500)


FULL = given_body(Decimal("12.5")) | {
    "isAutoTopup": True,
    "numberOfPeriods": 3,
    "reason": "r",
    "voucher": "v",
    "balanceTopup": {"id": "1", "@referredType": "t", "role": "r"},
    "channel": {"id": "1", "name": "n"},
    "logicalResource": [{"id": "1"}],
    "paymentMethod": {"id": "1"},
    "product": [{"id": "1"}, {"id": "2", "href": "h"}],
    "recurringPeriod": "monthly",
    "requestor": {"id": "1", "@referredType": "t"},
    "adjustType": "oneTime",
    "validFor": {"endDateTime": "2025-01-01T00:00:00Z"},
    "@type": "t",
}
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "name", "amount"]), inner)
    ),
    max_leaves=4,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from places(inner)


@settings(max_examples=examples(150), deadline=None)
@given(st.data())
def test_its_shapes_and_the_published_definition_agree_on_every_body(data):
    body = deepcopy(FULL)
    container, key = data.draw(st.sampled_from(list(places(body))))
    if data.draw(st.booleans()):
        container[key] = data.draw(ANY_JSON)
    else:
        del container[key]

    for shape, name in ((TOPUP, "TopupBalance_Create"), (ADJUST, "AdjustBalance_Create")):
        assert (not list(departures(body, shape, "body"))) == definition(name).is_valid(body)


@pytest.mark.parametrize(
    ("shape", "name"), [(TOPUP, "TopupBalance_Create"), (ADJUST, "AdjustBalance_Create")]
)
def test_its_shapes_name_every_property_of_the_definition(shape, name):
    named = {marked.rstrip("!") for marked in shape}

    assert named == set(SWAGGER["definitions"][name]["properties"])


def given_faults(billing: FlaskClient, *faults: dict[str, Any]) -> None:
    assert billing.put("/sandbox/faults", json=list(faults)).status_code == 200


def test_a_fault_counts_down_and_goes(billing):
    given_faults(billing, {"mode": "error", "times": 2})

    statuses = [billing.post(TOPUPS, json=given_body()).status_code for _ in range(3)]

    assert statuses == [500, 500, 201]
    assert billing.get("/sandbox/faults").json == []
    assert balance(billing) == Decimal("12.50")


def test_a_fault_may_strike_each_so_many_th_call(billing):
    given_faults(billing, {"mode": "error", "every": 3}, {"mode": "refuse", "every": 2})

    statuses = [billing.post(TOPUPS, json=given_body()).status_code for _ in range(6)]

    assert statuses == [201, 409, 500, 201, 409, 500]


def test_a_fault_without_a_count_stays_until_it_is_removed(billing):
    given_faults(billing, {"mode": "refuse", "times": None, "status": 403})

    refused = [billing.post(TOPUPS, json=given_body()).status_code for _ in range(3)]
    billing.delete("/sandbox/faults")

    assert refused == [403, 403, 403]
    assert billing.post(TOPUPS, json=given_body()).status_code == 201


def test_a_fault_strikes_only_what_it_matches(billing):
    given_faults(billing, {"mode": "refuse", "match": {"description": "red_2", "bucket": "c2"}})

    other_bucket = billing.post(TOPUPS, json=given_body(description="red_2", bucket="c1"))
    both = billing.post(TOPUPS, json=given_body(description="red_2", bucket="c2"))

    assert (other_bucket.status_code, both.status_code) == (201, 409)


@pytest.mark.parametrize(
    ("fault", "credited"),
    [
        ({"mode": "double"}, "25.00"),
        ({"mode": "wrong_amount"}, "13.50"),
        ({"mode": "wrong_amount", "amount": 1.25}, "1.25"),
        ({"mode": "slow", "delay_ms": 20}, "12.50"),
        ({"mode": "lost_reply"}, "12.50"),
    ],
)
def test_these_faults_do_credit(billing, fault, credited):
    given_faults(billing, fault)

    billing.post(TOPUPS, json=given_body(12.5))

    assert balance(billing) == Decimal(credited)


def test_silence_credits_nothing(billing):
    given_faults(billing, {"mode": "silent", "delay_ms": 20})

    billing.post(TOPUPS, json=given_body())

    assert billing.get(TOPUPS).json == []


@pytest.mark.parametrize(
    "plan",
    [
        {"mode": "error"},
        [{"mode": "explode"}],
        [{"times": 1}],
        [{"mode": "error", "times": 0}],
        [{"mode": "slow", "delay_ms": -1}],
        [{"mode": "refuse", "status": 200}],
        [{"mode": "error", "match": "red_1"}],
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(billing, plan):
    assert billing.put("/sandbox/faults", json=plan).status_code == 400


def test_a_torn_last_line_of_the_state_file_is_dropped(tmp_path):
    state = tmp_path / "deep" / "billing.jsonl"
    create_sandbox(state).test_client().post(TOPUPS, json=given_body(12.5))
    with state.open("a") as file:
        file.write('{"id": "topup-2", "amou')

    again = create_sandbox(state).test_client()
    again.post(TOPUPS, json=given_body(0.1))

    assert balance(again) == Decimal("12.60")
    assert balance(create_sandbox(state).test_client()) == Decimal("12.60")


def test_a_killed_process_comes_back_with_its_credits(tmp_path):
    command = [sys.executable, "-m", "app.sandbox.billing", "--port", "0", "--state", str(tmp_path / "state")]

    def run(verb: str, path: str, body: str | None = None) -> Any:
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr
                hello = process.stderr.readline()
                assert "no real billing system" in hello
                port = int(hello.split("127.0.0.1:")[1].split(",")[0])
                connection = HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request(verb, path, body)
                answer = connection.getresponse()
                assert answer.headers["Server"] == "jifen-billing-sandbox"
                return json.loads(answer.read(), parse_float=Decimal)
            finally:
                process.kill()

    run("POST", TOPUPS, json.dumps(given_body(12.34)))
    bucket = run("GET", f"{API}/bucket/c1")

    assert bucket["remainingValue"] == {"amount": Decimal("12.34"), "units": "CNY"}
