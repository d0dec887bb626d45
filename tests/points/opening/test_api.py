"""Opening balances over HTTP: looked at, approved by another person, withdrawn; never posted by the approval itself."""

import pytest

from base import clock, database
from base.auth import sign_ins
from points.opening import opening
from tests.given import caller, staff_token
from tests.points.opening.test_imports import LATER, file, opened, posted, programme, tried  # noqa: F401


@pytest.fixture
def proposal(app, programme, file):  # noqa: F811
    """A proposal of somebody who may approve as well, with the caller who made it."""
    path = file(f"K1,C1,1,{LATER},100,90,boss,", "K2,C2,7,,30,,boss,")
    token = staff_token("editor", "checker")
    with database.begin() as session:
        maker = sign_ins.find(session, token, clock.now())
        case = opening.propose(session, maker, programme, opened(path), tried(programme, path), clock.now())
    return case, caller(app, token)


def test_totals_are_shown_and_approved_by_another(app, proposal):
    case, maker = proposal
    checker = caller(app, staff_token("checker"))
    [row] = checker.get("/v1/opening-balances").json["data"]
    place = f"/v1/opening-balances/{row['id']}"
    seen = {"content_hash": row["content_hash"]}

    own, wrong, right, again = (
        maker.post(f"{place}/approve", seen),
        checker.post(f"{place}/approve", {"content_hash": "0" * 64}),
        checker.post(f"{place}/approve", seen),
        checker.post(f"{place}/approve", seen),
    )

    assert (row["totals"]["points"], row["totals"]["members"], row["posted"]) == (130, 2, None)
    assert row["totals"]["by_class"][1] == {"class": 7, "until": "without end", "points": 30}
    assert [one.status_code for one in (own, wrong, right, again)] == [403, 409, 200, 409]
    assert right.json["posted"]["points"] == 0
    assert checker.get(place).json["state"] == "approved"
    assert posted(case)["points"] == 0


def test_the_maker_takes_it_back_and_others_may_not_look(app, proposal):
    _, maker = proposal
    place = f"/v1/opening-balances/{maker.get('/v1/opening-balances').json['data'][0]['id']}"

    assert maker.post(f"{place}/withdraw").json["state"] == "withdrawn"
    assert caller(app, staff_token("analyst")).get(place).status_code == 403
    assert caller(app).get(place).status_code == 401
    assert maker.get(place.replace("opening-balances", "extensions")).status_code == 404
