"""Outlets have an area and hours; the owner adds and changes them, and so does the operator within an area."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import Invalid
from merchants.outlets import outlets
from tests.given import caller, given_colleague, given_outlet, given_shop, merchant_token, staff_token

NAMES = {"zh-CN": "新店", "en": "New shop"}
HOURS = [{"days": [1, 2, 3, 4, 5], "from": "09:00", "until": "21:00"}, {"days": [6, 7], "from": "18:00", "until": "02:00"}]  # fmt: skip
OUTLET = {"names": NAMES, "address": NAMES, "area": "330106", "hours": HOURS}


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def owner(app, shop):
    return caller(app, merchant_token(given_colleague(shop, "owner", "00")))


def test_the_owner_adds_an_outlet_and_changes_its_hours(owner):
    made = owner.post("/v1/merchant/outlets", OUTLET)
    changed = owner.post(
        f"/v1/merchant/outlets/{made.json['id']}", OUTLET | {"hours": HOURS[:1], "area": "330102"}
    )

    assert (made.status_code, made.json["hours"]) == (201, HOURS)
    assert (changed.json["hours"], changed.json["area"]) == (HOURS[:1], "330102")
    assert len(owner.get("/v1/merchant/outlets").json["data"]) == 2


def test_a_manager_sees_the_own_outlet_and_changes_nothing(app, shop):
    given_outlet(shop)
    manager = caller(app, merchant_token(given_colleague(shop, "manager", "90")))
    own = manager.get("/v1/merchant/outlets").json["data"]

    assert len(own) == 1
    assert manager.post(f"/v1/merchant/outlets/{own[0]['id']}", OUTLET).status_code == 403
    assert manager.post("/v1/merchant/outlets", OUTLET).status_code == 403


def test_people_of_an_area_see_the_outlets_in_it_and_move_none_out_of_it(app, shop):
    here = given_outlet(shop, "330106")
    given_outlet(shop, "110101")
    person = caller(app, staff_token("editor", area="3301"))
    place = f"/v1/outlets/{outlets.public_id(here)}"

    seen = person.get("/v1/merchants/tea/outlets").json["data"]

    assert [one["area"] for one in seen] == ["330106"]
    assert person.post(place, OUTLET).status_code == 200
    assert person.post(place, OUTLET | {"area": "110101"}).json["type"] == "/problems/outside-area"
    stranger = caller(app, staff_token("editor", area="11"))
    assert stranger.post(place, OUTLET | {"area": "110101"}).json["type"] == "/problems/outlet-unknown"


@pytest.mark.parametrize(
    "wrong",
    [
        {"area": "33"},
        {"area": "abc"},
        {"hours": [{"days": [], "from": "09:00", "until": "21:00"}]},
        {"hours": [{"days": [2, 1], "from": "09:00", "until": "21:00"}]},
        {"hours": [{"days": [1], "from": "9:00", "until": "21:00"}]},
        {"hours": [{"days": [1], "from": "09:00", "until": "09:00"}]},
        {"hours": [{"days": [8], "from": "09:00", "until": "21:00"}]},
    ],
)
def test_an_area_is_a_city_or_county_and_hours_are_hours(owner, wrong):
    assert owner.post("/v1/merchant/outlets", OUTLET | wrong).status_code == 422


def test_hours_are_written_and_read_as_people_do():
    text = "1-5 09:00-21:00; 6-7 18:00-02:00"

    assert outlets.read_hours(text) == HOURS
    assert outlets.written_hours(HOURS) == text
    assert outlets.read_hours("") == []
    with pytest.raises(Invalid):
        outlets.read_hours("every day")


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (datetime(2026, 6, 5, 8, 59, tzinfo=UTC), False),  # a Friday
        (datetime(2026, 6, 5, 9, 0, tzinfo=UTC), True),
        (datetime(2026, 6, 5, 21, 0, tzinfo=UTC), False),
        (datetime(2026, 6, 6, 1, 0, tzinfo=UTC), False),  # Friday's hours do not go over midnight
        (datetime(2026, 6, 6, 18, 0, tzinfo=UTC), True),
        (datetime(2026, 6, 8, 1, 59, tzinfo=UTC), True),  # Sunday's do
        (datetime(2026, 6, 8, 2, 0, tzinfo=UTC), False),
    ],
)
def test_an_outlet_is_open_in_its_hours_also_over_midnight(moment, is_open):
    assert outlets.is_open(HOURS, moment) is is_open
    assert outlets.is_open([], moment)


def test_the_operator_reads_outlets_page_by_page(app, owner, shop):
    owner.post("/v1/merchant/outlets", OUTLET)
    person = caller(app, staff_token("editor"))

    first = person.get("/v1/merchants/tea/outlets", limit=1).json
    second = person.get("/v1/merchants/tea/outlets", limit=1, cursor=first["next_cursor"]).json

    assert (first["has_more"], second["has_more"]) == (True, False)
    assert len({one["id"] for one in first["data"] + second["data"]}) == 2


times = st.times().map(lambda one: one.strftime("%H:%M"))
spans = st.builds(
    lambda days, begin, end: {"days": sorted(days), "from": begin, "until": end},
    st.sets(st.integers(1, 7), min_size=1),
    times,
    times,
)


@given(st.lists(spans, max_size=4))
def test_written_hours_read_back_hold_at_the_same_times(hours):
    def flat(of):
        return sorted((day, span["from"], span["until"]) for span in of for day in span["days"])

    assert flat(outlets.read_hours(outlets.written_hours(hours))) == flat(hours)
