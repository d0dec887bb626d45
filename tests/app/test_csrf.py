"""Whoever lures a signed-in person to another page gets no form of ours accepted: each unsafe page route asks for its mark."""

import re

import pytest
from sqlalchemy import select, text

from base import database
from base.auth import guard
from base.auth.principals import Clerk, Halfway, Member, MerchantPerson, Staff
from base.auth.roles import ROLES
from merchants.terminals.models import Shift
from tests.app.test_routes import ROUTES, face_of
from tests.given import clerk_token, given_colleague, given_member, given_person, given_programme, given_shop
from tests.owner import owner

# Nobody's cookie decides there: the operator's app posts its own token, which counts once; a page for trying out the same.
BY_THEIR_OWN_PROOF = {"POST /sign-in/app"}
PAGES = [
    route for route in ROUTES
    if route.startswith("POST ") and "/v1/" not in route and route not in BY_THEIR_OWN_PROOF
]  # fmt: skip


def rows(config):
    with owner(config) as connection:
        tables = connection.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
        return {name: connection.scalar(text(f"select count(*) from {name}")) for name in tables}


def somebody_of_each_face(config):
    """A person for each face who may do all that is done there; nobody of the staff could be given all of it."""
    programme, shop = given_programme(), given_shop()
    clerk_token(shop)
    with database.begin() as session:
        shift = session.scalars(select(Shift)).one()
    place = (shop.terminal.terminal_id, shop.outlet.outlet_id, shop.merchant.merchant_id)
    return {
        "staff": Staff(given_person("support").staff_id, frozenset(ROLES)),
        "merchant": MerchantPerson(
            given_colleague(shop, "owner", "77").clerk_id, shop.merchant.merchant_id, "owner"
        ),
        "till": Clerk(shop.clerk.clerk_id, *place, shift.shift_id, is_manager=True),
        "member": Member(given_member(config, programme), programme.programme_id),
    }


@pytest.mark.attack("A12")
def test_every_form_without_its_mark_is_refused_and_changes_nothing(app, db, monkeypatch):
    persons = somebody_of_each_face(db)
    halfway = Halfway(persons["staff"].staff_id)
    steps = {path.split(" ")[1] for path in PAGES if ROUTES[path] == "second-factor"}
    monkeypatch.setattr(
        guard, "_find", lambda token: halfway if guard.request.path in steps else persons[guard.face()]
    )
    monkeypatch.setattr(guard, "_signature", lambda: persons["till"].terminal_id)
    before, wrong = rows(db), {}

    for number, route in enumerate(PAGES):
        path = re.sub(r"<[^>]+>", "1", route.split(" ")[1].replace("<any:step>", "content"))
        sent = {"csrf_token": "made-up"} if number % 2 else {}
        client = app.test_client()
        client.set_cookie(guard.cookie_name(face_of(path)), "x")
        answer = client.post(path, data=sent, headers={"Origin": "https://elsewhere.example"})
        if answer.status_code != 400:
            wrong[route] = answer.status_code

    assert len(PAGES) > 100
    assert wrong == {}
    assert rows(db) == before
