"""What clerks do is looked at while their tills are busy: alerts for whoever must look, each once a day."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from base import clock, database, ids
from merchants.models import Outlet
from merchants.risk import alerts, watching
from merchants.risk.models import Alert
from points import programmes
from tests.given import (
    Caller,
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    staff_token,
)

NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def offer(shop):
    return given_offer(given_programme(), "voucher", value_fen=100, merchant_id=shop.merchant.merchant_id)


def given_customer(app, db, number: int) -> Caller:
    with database.begin() as session:
        programme = programmes.by_code(session, "gotone")
    return caller(
        app, member_token(given_member(db, programme, points=90_000, phone=f"139000000{number:02d}"))
    )


def raised(rule: str | None = None) -> list[Alert]:
    with database.begin() as session:
        watching.walk(session, clock.now())
        asked = select(Alert).order_by(Alert.alert_id)
        return list(session.scalars(asked.where(Alert.rule == rule) if rule else asked))


def accepted(till: Caller, customer: Caller, offer) -> str:
    return till.accept(customer.voucher_code(customer.redeem(offer).json)).json["id"]


def test_ordinary_work_raises_nothing(app, db, shop, offer):
    till = caller(app, clerk_token(shop))
    for number in range(4):
        done = accepted(till, given_customer(app, db, number), offer)
    till.post(f"/v1/acceptances/{done}/void", {"reason": "wrong thing"})

    assert raised() == []


def test_accepting_while_the_outlet_is_closed_is_told(app, db, shop, offer):
    open_hours = [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "09:00", "until": "11:00"}]
    with clock.stopped(NOON):  # noon in Shanghai
        till = caller(app, clerk_token(shop))
        accepted(till, given_customer(app, db, 1), offer)
        without_hours = raised(alerts.OFF_HOURS)
        with database.begin() as session:
            session.get_one(Outlet, shop.outlet.outlet_id).hours = open_hours
        found = raised(alerts.OFF_HOURS)

    assert without_hours == []
    assert [(row.clerk_id, row.facts["at"]) for row in found] == [(shop.clerk.clerk_id, NOON.isoformat())]


@pytest.mark.attack("A10")
def test_a_clerk_who_undoes_again_and_again_is_told_once_a_day_with_the_newest_numbers(app, db, shop, offer):
    till = caller(app, clerk_token(shop))
    for number in range(3):
        done = accepted(till, given_customer(app, db, number), offer)
        till.post(f"/v1/acceptances/{done}/void", {"reason": "wrong thing"})
    first = raised(alerts.MANY_VOIDS)
    done = accepted(till, given_customer(app, db, 9), offer)
    till.post(f"/v1/acceptances/{done}/void", {"reason": "wrong thing"})
    second = raised(alerts.MANY_VOIDS)

    assert [row.facts["voided"] for row in first] == [3]
    assert [(row.alert_id, row.facts["voided"]) for row in second] == [(first[0].alert_id, 4)]
    assert second[0].clerk_id == shop.clerk.clerk_id


@pytest.mark.parametrize(
    ("accepted", "voided", "told"),
    [(1000, 5, False), (1000, 6, True), (100, 3, False), (99, 3, True), (20, 2, False), (0, 3, True)],
)
@pytest.mark.attack("A10")
def test_the_share_counts_from_three_on_and_the_number_from_six_on(accepted, voided, told):
    assert watching.Clerked(1, 1, accepted, voided).voids_too_often is told


@pytest.mark.attack("A10")
def test_one_clerk_and_one_member_more_than_three_times_a_day_is_looked_at(app, db, shop, offer):
    till, friend = caller(app, clerk_token(shop)), given_customer(app, db, 1)
    for _ in range(3):
        accepted(till, friend, offer)
    quiet = raised()
    accepted(till, friend, offer)

    (alert,) = raised(alerts.SAME_MEMBER)

    assert quiet == []
    assert (alert.facts["times"], alert.clerk_id) == (4, shop.clerk.clerk_id)


def test_what_is_older_than_a_day_does_not_count(app, db, shop, offer):
    with clock.stopped(NOON):
        till, friend = caller(app, clerk_token(shop)), given_customer(app, db, 1)
        for _ in range(3):
            accepted(till, friend, offer)
    with clock.stopped(NOON + timedelta(days=1, minutes=1)):
        accepted(caller(app, clerk_token(shop)), friend, offer)

        assert raised() == []


def test_an_alert_that_was_closed_is_not_raised_again_that_day(app, db, shop, offer):
    till, friend = caller(app, clerk_token(shop)), given_customer(app, db, 1)
    for _ in range(4):
        accepted(till, friend, offer)
    (alert,) = raised(alerts.SAME_MEMBER)
    security = caller(app, staff_token("security"))
    found = security.get("/v1/till-alerts").json["data"][0]

    closed = security.post(
        f"/v1/till-alerts/{found['id']}/close",
        {"outcome": "harmless", "note": "a regular who brings colleagues"},
    )
    again = security.post(
        f"/v1/till-alerts/{found['id']}/close", {"outcome": "fraud", "note": "second thought"}
    )
    accepted(till, friend, offer)

    assert (closed.status_code, closed.json["state"], closed.json["outcome"]) == (200, "closed", "harmless")
    assert (again.status_code, again.json["type"]) == (409, "/problems/alert-closed")
    (row,) = raised(alerts.SAME_MEMBER)
    assert (row.state, row.facts) == ("closed", alert.facts)
    assert security.get("/v1/till-alerts").json["data"] == []
    assert len(security.get("/v1/till-alerts", state="closed").json["data"]) == 1


def test_only_those_who_may_see_the_queue_and_auditors_close_nothing(app, db, shop):
    with database.begin() as session:
        about = alerts.About(shop.merchant.merchant_id, "merchant")
        alerts.put(session, alerts.MERCHANT_GUESSING, about, {"tries": 200}, clock.now())
        (alert,) = alerts.listed(session, "open")
    path = f"/v1/till-alerts/{ids.public('alr', alert.alert_id)}"
    body = {"outcome": "fraud", "note": "x"}

    assert caller(app, staff_token("editor")).get("/v1/till-alerts").status_code == 403
    assert caller(app, staff_token("auditor")).get(path).status_code == 200
    assert caller(app, staff_token("auditor")).post(f"{path}/close", body).status_code == 403


def test_the_queue_has_pages(app, db, shop):
    with database.begin() as session:
        for number in range(5):
            about = alerts.About(shop.merchant.merchant_id, f"terminal {number}")
            alerts.put(session, alerts.GUESSING, about, {"tries": 10}, clock.now())
    security, seen, cursor = caller(app, staff_token("security")), [], None

    while True:
        told = security.get("/v1/till-alerts", limit=2, **({"cursor": cursor} if cursor else {})).json
        seen += [row["id"] for row in told["data"]]
        cursor = told["next_cursor"]
        if not told["has_more"]:
            break

    assert len(seen) == len(set(seen)) == 5


def test_a_person_closes_an_alert_on_its_page(app, db, shop):
    with database.begin() as session:
        about = alerts.About(shop.merchant.merchant_id, "t", terminal_id=shop.terminal.terminal_id)
        alerts.put(session, alerts.COPIED_KEY, about, {"terminal": "tea-1"}, clock.now())
        (alert,) = alerts.listed(session, "open")
    client, path = app.test_client(), f"/staff/till-alerts/{ids.public('alr', alert.alert_id)}"
    client.set_cookie("jifen_staff", staff_token("security"))
    app.config["WTF_CSRF_ENABLED"] = False

    listed, opened = client.get("/staff/till-alerts").text, client.get(path).text
    answer = client.post(
        path, data={"key": "k" * 20, "outcome": "fraud", "note": "the key was on two machines"}
    )

    assert path in listed
    assert "tea-1" in opened
    assert answer.status_code == 303
    assert "the key was on two machines" in client.get(path).text


def test_one_clerk_at_two_outlets_on_a_day_is_told(app, db, shop, offer, owner):
    till = caller(app, clerk_token(shop))
    accepted(till, given_customer(app, db, 1), offer)
    moved = accepted(till, given_customer(app, db, 2), offer)
    owner.execute(
        text("update acceptance set outlet_id = outlet_id + 1 where acceptance_id = :id"),
        {"id": ids.parse("acc", moved)[1]},
    )

    (alert,) = raised(alerts.TWO_OUTLETS)

    assert (alert.clerk_id, alert.facts["outlets"]) == (shop.clerk.clerk_id, 2)
