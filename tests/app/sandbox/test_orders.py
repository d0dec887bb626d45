"""The sandboxes of orders: what is no order is refused, orders move at each look, and outlive the process."""

import json

import pytest

from app.sandbox import fulfilment, orders, tmf622
from app.sandbox.billing import create_sandbox

GOODS = {"reference": "red_1", "provider": "w", "class": "consumable", "sku": "soap", "units": 2,
         "address": dict.fromkeys(("name", "phone", "region", "street", "postcode"), "x")}  # fmt: skip
SERVICE = {
    "externalId": "red_1",
    "relatedParty": [{"id": "C1", "@referredType": "Customer"}],
    "productOrderItem": [{"id": "1", "action": "add", "productOffering": {"id": "data"}}],
}
PATHS = {"ordering": tmf622.PROTOCOL.path, "fulfilment": fulfilment.PROTOCOL.path}
BODIES = {"ordering": SERVICE, "fulfilment": GOODS}


@pytest.fixture
def client():
    return create_sandbox().test_client()


@pytest.mark.parametrize(
    ("system", "changed", "status"),
    [
        ("ordering", {"productOrderItem": []}, 400),
        (
            "ordering",
            {"productOrderItem": [{"id": "1", "action": "take", "productOffering": {"id": "d"}}]},
            400,
        ),
        ("ordering", {"externalId": None}, 400),
        ("ordering", {"relatedParty": [{"id": "C1"}]}, 400),
        ("fulfilment", {"units": 0}, 422),
        ("fulfilment", {"sku": ""}, 422),
        ("fulfilment", {"address": None}, 422),
    ],
)
def test_what_is_no_order_is_refused_in_words(client, system, changed, status):
    answer = client.post(PATHS[system], json=BODIES[system] | changed)

    assert answer.status_code == status
    assert answer.json["code"]
    assert answer.json["reason"]
    assert answer.headers["X-Sandbox"]
    assert client.post(PATHS[system], data="{").status_code == 400


def test_goods_move_one_step_a_look_and_in_parts_one_parcel_a_look(client):
    client.put("/sandbox/fulfilment/faults", json=[{"mode": "part", "times": 1}])
    client.post(PATHS["fulfilment"], json=GOODS)

    seen = [client.get(PATHS["fulfilment"], query_string={"reference": "red_1"}).json for _ in range(5)]

    told = [
        (one["orders"][0]["state"], one["orders"][0]["shipped"], len(one["orders"][0]["parcels"]))
        for one in seen
    ]
    assert told == [
        ("picked", 0, 0),
        ("picked", 1, 1),
        ("shipped", 2, 2),
        ("delivered", 2, 2),
        ("delivered", 2, 2),
    ]
    assert "address" not in json.dumps(seen)


@pytest.mark.parametrize(
    "plan",
    [{}, [{"mode": "unheard"}], [{"mode": "refuse", "times": "1"}], [{"mode": "refuse", "on": "topup"}], "x"],
)
def test_a_fault_that_is_none_is_refused(client, plan):
    assert client.put("/sandbox/ordering/faults", json=plan).status_code == 400


def test_orders_outlive_the_process_where_they_stood(tmp_path):
    state = tmp_path / "state.jsonl"
    first = create_sandbox(state).test_client()
    for system, path in PATHS.items():
        first.post(path, json=BODIES[system])
        first.get(path)
    with (tmp_path / "state.ordering.jsonl").open("a") as file:
        file.write('{"place": 1, "order"')  # torn by a crash

    again = create_sandbox(state)

    kept = {system: orders.of(again, system) for system in PATHS}
    assert {system: [one["state"] for one in each.orders] for system, each in kept.items()} == {
        "ordering": ["completed"],
        "fulfilment": ["picked"],
    }
    assert len(kept["fulfilment"].plans[0]) == 2
