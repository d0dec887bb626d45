"""Pausing is one person's and at once, ending takes two; the states are read off what is stored."""

from datetime import timedelta

import pytest
from sqlalchemy import exc, select

from base import clock, database, ids
from base.models import AuditRow
from catalog.publishing.life import life_of
from tests.catalog.publishing.setting_up import kind_of
from tests.given import caller, given_member, given_offer, given_programme, member_token, staff_token

NOW = clock.now()
BEFORE, AFTER = NOW - timedelta(days=1), NOW + timedelta(days=1)
LIVES = [
    ({"review": None}, "draft"),
    ({"review": "rejected"}, "draft"),
    ({"review": "expired"}, "draft"),
    ({"review": "withdrawn", "discarded": True}, "discarded"),
    ({"review": "proposed"}, "in_review"),
    ({"review": "approved", "begins_at": AFTER}, "scheduled"),
    ({"begins_at": BEFORE}, "live"),
    ({"begins_at": NOW}, "live"),
    ({"begins_at": BEFORE, "until_at": AFTER}, "live"),
    ({"begins_at": BEFORE, "until_at": NOW}, "ended"),
    ({"begins_at": BEFORE, "state": "paused"}, "paused"),
    ({"begins_at": AFTER, "state": "paused"}, "paused"),
    ({"begins_at": BEFORE, "until_at": BEFORE, "state": "paused"}, "ended"),
    ({"begins_at": BEFORE, "state": "ended"}, "ended"),
]


def test_a_life_is_read_off():
    assert [life_of(NOW, **facts) for facts, _ in LIVES] == [life for _, life in LIVES]


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def offer(programme):
    return given_offer(programme, "bill_credit")


def test_paused_nobody_redeems_and_it_ends_by_another_person(app, db, programme, offer):
    editor, checker = (caller(app, staff_token(role)) for role in ("editor", "checker"))
    member = caller(app, member_token(given_member(db, programme, points=5000)))
    name, quote = ids.public("off", offer.offer_id), member.quote(offer).json["id"]

    def act(person, verb, reason="wrong price"):
        return person.post(f"/v1/offers/{name}/{verb}", {"reason": reason})

    came = [kind_of(act(editor, "end")), kind_of(act(editor, "pause")), kind_of(act(checker, "pause"))]
    late = kind_of(member.post("/v1/redemptions", {"quote": quote}))
    closed = member.get(f"/v1/offers/{name}").json["closed"]["type"]
    came += [kind_of(act(checker, "resume")), kind_of(member.quote(offer))]
    came += [kind_of(act(editor, "pause")), kind_of(act(editor, "end")), kind_of(act(checker, "end"))]
    came += [kind_of(act(checker, "resume")), kind_of(act(checker, "pause"))]
    ended = editor.get("/v1/offers/all", programme="gotone", state="ended").json["data"]

    assert came == [
        "409 not-in-that-state",
        "200",
        "409 not-in-that-state",
        "200",
        "201",
        "200",
        "403 paused-by-yourself",
        "200",
        "409 not-in-that-state",
        "409 not-in-that-state",
    ]
    assert (late, closed) == ("409 offer-not-open", "/problems/offer-not-open")
    assert [(row["id"], row["life"], row["reason"]) for row in ended] == [(name, "ended", "wrong price")]
    assert kind_of(editor.post("/v1/offer-drafts", {"offer": name})) == "409 offer-ended"
    assert kind_of(act(editor, "pause", "a\nb")) == "422 invalid"
    assert kind_of(act(member, "pause")) == "403 not-allowed"
    area = caller(app, staff_token("editor", area="33"))
    assert kind_of(act(area, "pause")) == "403 for-headquarters"
    with database.begin() as session:
        asked = select(AuditRow.action, AuditRow.facts).where(AuditRow.subject == name)
        rows = session.execute(asked.order_by(AuditRow.audit_id)).all()
    assert [row.action for row in rows] == ["offer.paused", "offer.resumed", "offer.paused", "offer.ended"]
    assert {row.facts["reason"] for row in rows} == {"wrong price"}


def test_the_database_itself_refuses_one_person_who_pauses_and_ends(db, offer):
    for values in ("state = 'ended', paused_by = 5, ended_by = 5", "paused_by = 5", "ended_by = 5"):
        with pytest.raises(exc.IntegrityError), database.begin() as session:
            session.connection().exec_driver_sql(f"update offer_state set {values}")
