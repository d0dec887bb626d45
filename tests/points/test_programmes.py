"""Programmes side by side: each with its own members and rates; a closed one can be read and takes no writes."""

import pytest
from sqlalchemy import text

from base import clock, database
from points import programmes
from points.programmes import ProgrammeClosed, ProgrammeUnknown
from tests.given import (
    caller,
    given_member,
    given_offer,
    given_points,
    given_programme,
    member_token,
)


def close(code: str) -> None:
    with database.begin() as session:
        session.execute(
            text("update programme set closed_at = :at where code = :code"), {"at": clock.now(), "code": code}
        )


def test_a_closed_programme_is_read_and_takes_no_writes_while_its_neighbour_goes_on(app, db):
    kinds = ("bill_credit", "perk")
    members, offers, quotes = {}, {}, {}
    for code in ("closing", "staying"):
        programme = given_programme(code)
        members[code] = caller(app, member_token(given_member(db, programme, points=3000)))
        offers[code] = [given_offer(programme, kind, value_fen=500) for kind in kinds]
        quotes[code] = [members[code].quote(offer).json["id"] for offer in offers[code]]

    close("closing")
    refused = [members["closing"].quote(offer) for offer in offers["closing"]]
    refused += [members["closing"].post("/v1/redemptions", {"quote": one}) for one in quotes["closing"]]
    taken = members["staying"].post("/v1/redemptions", {"quote": quotes["staying"][0]})

    assert {(answer.status_code, answer.json["type"]) for answer in refused} == {
        (409, "/problems/programme-closed")
    }
    assert members["closing"].spendable() == 3000
    assert len(members["closing"].get("/v1/offers").json["data"]) == len(kinds)
    assert taken.status_code == 201


@pytest.mark.parametrize("kind", ["members", "bills"])
def test_no_file_goes_into_a_closed_programme_that_is_named(cli, db, tmp_path, kind):
    given_programme("closing")
    close("closing")
    file = tmp_path / "some.csv"
    file.write_text("customer_id,joined_on\nC1,2025-01-01\n")

    answer = cli("import", kind, file, "--programme", "closing", "--quiet")

    assert answer.exit_code == 2
    assert ProgrammeClosed.title("en") in answer.output
    with database.begin() as session:
        assert session.scalar(text("select count(*) from member")) == 0


def test_no_file_goes_into_a_closed_programme_that_is_the_only_one(cli, db, tmp_path):
    given_programme("closing")
    close("closing")
    file = tmp_path / "some.csv"
    file.write_text("customer_id,joined_on\nC1,2025-01-01\n")

    answer = cli("import", "members", file, "--quiet")

    assert (answer.exit_code, ProgrammeClosed.title("en") in answer.output) == (2, True)


def test_a_programme_that_is_not_there_is_not_found(app, db):
    answer = caller(app).post("/v1/sign-ins/code", {"programme": "nobody", "phone": "13900000000"})

    assert (answer.status_code, answer.json["type"]) == (404, "/problems/programme-unknown")
    with database.begin() as session, pytest.raises(ProgrammeUnknown):
        programmes.by_id(session, 1)


def test_one_customer_in_two_programmes_has_two_wallets(app, db):
    first, second = given_programme("first"), given_programme("second")
    members = [given_member(db, programme, points=10, phone="13912345678") for programme in (first, second)]

    given_points(members[0], 5)

    assert [caller(app, member_token(member)).spendable() for member in members] == [15, 10]
