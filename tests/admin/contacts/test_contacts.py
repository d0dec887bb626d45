"""The log of contacts: written once, listed by member, words that end with the person."""

import pytest

from admin.contacts import contacts, verify
from base import clock, database, ids, vault
from tests.given import caller, given_area, given_member, given_programme, staff_token

TOLD = {
    "channel": "hotline", "purpose": "care", "result": "reached", "words": "Prefers evenings, 13900001234.",
    "next_step": "call again", "next_on": "2027-01-05", "about": "posting 1",
}  # fmt: skip


@pytest.fixture
def member(db):
    return given_area(given_member(db, given_programme(), points=10), "330106")


@pytest.fixture
def support(app):
    return caller(app, staff_token("support"))


def place(member):
    return f"/v1/members/{ids.public('mbr', member)}/contacts"


def kind(answer):
    return str(answer.json.get("type", answer.status_code)).removeprefix("/problems/")


def test_a_contact_is_written_once_and_listed_with_its_words_newest_first(app, member, support, owner):
    first = support.post(place(member), TOLD, key="k1")
    again = support.post(place(member), TOLD, key="k1")
    support.post(
        place(member), {"channel": "hall", "direction": "in", "purpose": "question", "result": "reached"}
    )

    page = support.get(place(member), limit=1).json
    rest = support.get(place(member), limit=1, cursor=page["next_cursor"]).json["data"]
    kept = str(owner.exec_driver_sql("select answer::text from idempotency_key").fetchall())

    assert (first.status_code, first.json) == (201, again.json)
    assert (page["data"][0]["channel"], page["data"][0]["words"]) == ("hall", None)
    assert [(one["words"], one["next_step"], one["next_on"]) for one in rest] == [
        (TOLD["words"], "call again", "2027-01-05")
    ]
    assert "evenings" not in kept
    assert kind(caller(app, staff_token("support", area="3302")).get(place(member))) == "member-unknown"


@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        ({"channel": "pigeon"}, "channel-unknown"),
        ({"purpose": "call-back"}, "bad-contact"),
        ({"next_step": ""}, "bad-contact"),
        ({"about": "posting 99"}, "about-unknown"),
        ({"result": "perhaps"}, "invalid"),
    ],
)
def test_a_contact_that_says_too_little_or_belongs_to_a_ticket_is_refused(member, support, told, refusal):
    assert kind(support.post(place(member), TOLD | told)) == refusal
    assert support.get(place(member)).json["data"] == []


def test_the_application_can_neither_change_nor_delete_a_contact(db, member, support):
    support.post(place(member), TOLD)

    for statement in ("update contact set result = 'declined'", "delete from contact"):
        with pytest.raises(Exception, match="permission denied"), database.begin() as session:
            session.connection().exec_driver_sql(statement)


def test_an_erased_person_leaves_the_contact_and_no_word(db, member, support, owner):
    support.post(place(member), TOLD)

    with database.begin() as session:
        vault.shred(session, member, clock.now())
        (row,) = contacts.of_member(session, member, limit=9)
        assert (row.result, contacts.said(session, db, row)) == ("reached", (None, None))
    owner.exec_driver_sql(
        "delete from vault_key"
    )  # here nobody proposed the erasure, which verify would ask for


def test_verify_names_a_contact_by_nobody_known(member, support, owner):
    support.post(place(member), TOLD)
    owner.exec_driver_sql("update contact set actor = 'staff:1', result = 'maybe'")

    with database.begin() as session:
        found = [one.text for one in verify.findings(session)]

    assert found == ["its member or its person is unknown", "its channel, purpose or result is none of ours"]
    owner.exec_driver_sql("delete from contact")
