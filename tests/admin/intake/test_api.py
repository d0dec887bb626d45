"""Imports over HTTP: from the body to the books, a job to look at, one answer for one key."""

from uuid import uuid4

import pytest

from base import database, jobs
from tests.admin.intake.files import csv, members_file
from tests.given import given_programme, staff_token


@pytest.fixture
def programme(db):
    return given_programme()


class Sender:
    def __init__(self, app, *roles):
        self.client, self.token = app.test_client(), staff_token(*roles)

    def headers(self, key):
        return {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key or str(uuid4())}

    def send(self, body, key=None, **query):
        asked = {"programme": "gotone", "kind": "members"} | query
        return self.client.post(
            "/v1/imports", data=body, query_string=asked, headers=self.headers(key), content_type="text/csv"
        )

    def post(self, place, key=None):
        return self.client.post(place, json={}, headers=self.headers(key))

    def get(self, place):
        return self.client.get(place, headers=self.headers(None))


def test_a_file_is_tried_looked_at_and_taken_in(app, db, programme):
    editor = Sender(app, "editor")
    asked = editor.send(members_file(2) + b"C9,never,,\n", name="members.csv")
    waiting = editor.get(asked.headers["Location"]).json
    jobs.drain(db.database_url)
    tried = editor.get(asked.headers["Location"]).json
    found = editor.get(tried["result_url"]).json
    errors = editor.get(tried["error_file_url"])
    taken = editor.post(f"{tried['result_url']}/commit")
    jobs.drain(db.database_url)
    after = editor.get(taken.headers["Location"]).json

    assert (asked.status_code, taken.status_code) == (202, 202)
    assert (waiting["state"], waiting["done"], waiting["total"], waiting["eta_seconds"]) == (
        "waiting",
        0,
        3,
        None,
    )
    assert (tried["state"], tried["warnings"]) == ("done", ["rows-refused"])
    assert found["columns"] == {"客户编号": "customer_id", "入网日期": "joined_on", "手机号": "phone"}
    assert {name: found["report"][name] for name in ("new", "changed", "same", "bad")} == {
        "new": 2, "changed": 0, "same": 0, "bad": 1,
    }  # fmt: skip
    assert errors.text.splitlines()[1].startswith("C9,never,,,4,joined_on")
    assert (after["state"], after["what"], after["done"]) == ("done", "commit", after["total"])


def test_the_same_key_is_one_file_and_one_job(app, db, programme):
    editor, key = Sender(app, "editor"), str(uuid4())
    first, second = editor.send(members_file(2), key), editor.send(members_file(2), key)
    other = editor.send(members_file(3), key)

    assert first.json["id"] == second.json["id"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json["type"]) == (422, "/problems/key-reused")
    with database.begin() as session:
        kept = (
            session.connection()
            .exec_driver_sql("select count(distinct intake_id) from intake_part")
            .scalar_one()
        )
    assert kept == 1


def test_columns_are_mapped_as_is_said(app, db, programme):
    editor = Sender(app, "editor")
    body = csv("a,b", "C1,2024-05-01")

    unmapped = editor.send(body)
    mapped = editor.send(body, columns='{"a": "customer_id", "b": "joined_on"}')
    wrong = editor.send(body, columns='["a"]')

    assert (unmapped.status_code, unmapped.json["type"]) == (422, "/problems/columns-not-mapped")
    assert unmapped.json["missing"] == ["customer_id", "joined_on"]
    assert mapped.status_code == 202
    assert wrong.status_code == 422


def test_a_job_is_cancelled_once_and_its_file_is_not_taken_in(app, db, programme):
    editor = Sender(app, "editor")
    place = editor.send(members_file(2)).headers["Location"]
    cancelled, again = editor.post(f"{place}/cancel"), editor.post(f"{place}/cancel")
    jobs.drain(db.database_url)
    refused = editor.post(f"{cancelled.json['result_url']}/commit")

    assert cancelled.json["state"] == "cancelled"
    assert (again.status_code, again.json["type"]) == (409, "/problems/job-ended")
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/tried-first")


def test_what_is_unknown_is_not_found(app, db, programme):
    editor = Sender(app, "editor")

    assert editor.get("/v1/jobs/job_nothing").json["type"] == "/problems/job-unknown"
    assert editor.get("/v1/imports/imp_nothing").json["type"] == "/problems/import-unknown"
    assert Sender(app, "support").send(members_file(1)).status_code == 403
