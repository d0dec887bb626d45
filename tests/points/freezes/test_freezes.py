"""Frozen points: nothing is redeemed or given away whoever asks and however close the race, and earning goes on."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from base import clock, database, ids, jobs
from catalog.redemptions import redemptions
from points import ledger
from points.deeds import Request
from points.freezes import freezes
from points.freezes.verify import findings
from points.kinds import FOREVER, Kind
from points.refusals import PointsFrozen
from tests.codes import code_of, texts
from tests.given import (
    ZONE,
    caller,
    given_group,
    given_member,
    given_offer,
    given_points,
    given_programme,
    member_token,
    staff_token,
)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=100)


@pytest.fixture
def me(app, member_id):
    return caller(app, member_token(member_id))


def freeze(db, member_id):
    with database.begin() as session:
        freezes.freeze(session, db, member_id, f"member:{member_id}", clock.now())


def wallet(member_id):
    with database.begin() as session:
        return ledger.read(session, member_id)


def type_of(answer):
    return answer.json["type"].removeprefix("/problems/")


def test_a_member_freezes_is_told_and_thaws_with_a_code(db, programme, me, member_id):
    quote = me.quote(given_offer(programme, "perk", value_fen=30)).json["id"]

    frozen = me.post("/v1/members/me/freeze", {})
    refused = me.post("/v1/redemptions", {"quote": quote})
    given_points(member_id, 7)
    no_code = me.post("/v1/members/me/freeze/thaw", {"code": "000000"})
    me.post("/v1/members/me/freeze/code", {})
    thawed = me.post("/v1/members/me/freeze/thaw", {"code": code_of(db, member_id, "thaw-code")})

    assert (frozen.json["frozen"], frozen.json["sides"]) == (True, ["member"])
    assert (refused.status_code, type_of(refused)) == (403, "points-frozen")
    assert (no_code.status_code, type_of(no_code)) == (422, "thaw-code-refused")
    assert (thawed.json["frozen"], wallet(member_id).balance) == (False, 107)
    assert len(texts(db, member_id, "points-frozen")) == len(texts(db, member_id, "points-thawed")) == 1
    assert me.post("/v1/redemptions", {"quote": quote}).status_code == 201


@pytest.mark.parametrize("kind", [Kind.REDEEM, Kind.HOLD, Kind.MERGE_OUT])
def test_the_ledger_itself_refuses_whoever_forgets_to_ask(db, member_id, kind):
    freeze(db, member_id)
    request = Request(
        member_id, uuid.uuid4(), kind, 0 if kind is Kind.MERGE_OUT else 10, clock.now(), ZONE, ends_at=FOREVER
    )

    with pytest.raises(PointsFrozen), database.begin() as session:
        ledger.post(session, request)
    with database.begin() as session:
        assert isinstance(ledger.post_many(session, [request])[0], PointsFrozen)
    with pytest.raises(PointsFrozen):
        ledger.post_alone(request)

    assert wallet(member_id).balance == 100


def test_a_freeze_between_the_question_and_the_spending_spends_nothing(
    db, programme, me, member_id, monkeypatch
):
    quote = me.quote(given_offer(programme, "perk", value_fen=30)).json["id"]
    real = ledger.post

    def frozen_first(session, request):
        if request.kind is Kind.REDEEM and not wallet(member_id).stopped:
            freeze(db, member_id)
        return real(session, request)

    monkeypatch.setattr(redemptions.ledger, "post", frozen_first)
    answer = me.post("/v1/redemptions", {"quote": quote})

    assert (answer.status_code, type_of(answer)) == (403, "points-frozen")
    assert wallet(member_id).balance == 100


def test_a_freeze_between_the_ledgers_own_reading_and_writing_spends_nothing(db, member_id, monkeypatch):
    real = ledger._write_one

    def frozen_first(connection, seen, outcome):
        if not wallet(member_id).stopped:
            freeze(db, member_id)
        return real(connection, seen, outcome)

    monkeypatch.setattr(ledger, "_write_one", frozen_first)
    request = Request(member_id, uuid.uuid4(), Kind.REDEEM, 10, clock.now(), ZONE)

    with pytest.raises(PointsFrozen), database.begin() as session:
        ledger.post(session, request)
    assert wallet(member_id).balance == 100


def test_a_freeze_that_comes_after_the_spending_waits_for_it(db, programme, me, member_id, monkeypatch):
    quote = me.quote(given_offer(programme, "perk", value_fen=30)).json["id"]
    posted, go_on = threading.Event(), threading.Event()
    real = ledger.post

    def slow(session, request):
        answer = real(session, request)
        posted.set()
        go_on.wait(0.3)  # its row stays locked meanwhile
        return answer

    monkeypatch.setattr(redemptions.ledger, "post", slow)
    with ThreadPoolExecutor(2) as pool:
        redeeming = pool.submit(me.post, "/v1/redemptions", {"quote": quote})
        assert posted.wait(10)
        freezing = pool.submit(freeze, db, member_id)
        answer = redeeming.result()
        freezing.result()

    assert (answer.status_code, wallet(member_id).balance, wallet(member_id).stopped) == (201, 70, True)


def test_a_gift_that_has_not_left_comes_back_and_none_begins(app, db, programme, me, member_id):
    given_member(db, programme, phone="13700005555")
    given = me.post("/v1/gifts", {"to": "13700005555", "points": 40})
    freeze(db, member_id)

    again = me.post("/v1/gifts", {"to": "13700005555", "points": 1})
    with clock.stopped(clock.now() + timedelta(minutes=11)):
        jobs.drain(db.database_url)

    assert (given.status_code, type_of(again)) == (201, "points-frozen")
    assert (wallet(member_id).balance, wallet(member_id).held) == (100, 0)


def test_who_is_frozen_spends_no_groups_points_either(app, db, programme, member_id):
    group = given_group(db, programme, points=500, caps={member_id: 500})
    freeze(db, member_id)
    me = caller(app, member_token(member_id))

    answer = me.quote(given_offer(programme, "perk", value_fen=30), group=ids.public("grp", group))

    assert (answer.status_code, type_of(answer)) == (403, "points-frozen")


def test_staff_freeze_for_a_member_who_called_and_security_alone_ends_a_suspicion(app, db, me, member_id):
    support, security = (caller(app, staff_token(role)) for role in ("support", "security"))
    place = f"/v1/members/{ids.public('mbr', member_id)}/freeze"
    wrong = support.post(place, {"reason": "suspected-fraud", "case": "1"})
    suspected = support.post(place, {"reason": "suspected-fraud", "case": "T-1"})
    own = me.post("/v1/members/me/freeze", {})

    by_member = me.post("/v1/members/me/freeze/code", {})
    by_support = support.post(f"{place}/thaw", {"case": "T-2"})
    by_security = security.post(f"{place}/thaw", {"case": "T-2"})

    assert (wrong.status_code, suspected.json["sides"], own.json["sides"]) == (
        422,
        ["staff"],
        ["member", "staff"],
    )
    assert (type_of(by_member), by_support.status_code) == ("frozen-by-staff", 403)
    assert (by_security.json["frozen"], wallet(member_id).stopped) == (False, False)
    assert type_of(security.post(f"{place}/thaw", {"case": "T-3"})) == "not-frozen"
    called = support.post(place, {"reason": "member-called", "case": "T-4"})
    assert (called.json["sides"], me.post("/v1/members/me/freeze/code", {}).status_code) == (["member"], 202)


def test_a_thaw_may_take_a_while_and_is_called_off_by_freezing_again(db, member_id):
    slow = db.at(thaw_wait_s=3600)
    at = clock.now()
    freeze(db, member_id)

    def ask_and_thaw():
        with database.begin() as session:
            freezes.send_code(session, slow, member_id, at)
        code = code_of(db, member_id, "thaw-code")
        with database.begin() as session:
            assert freezes.thaw(session, slow, member_id, code, "member:1", at)

    def later():
        with clock.stopped(at + timedelta(hours=2)):
            jobs.drain(db.database_url)

    ask_and_thaw()
    freeze(db, member_id)
    later()
    called_off = wallet(member_id).stopped
    ask_and_thaw()
    waiting = wallet(member_id).stopped
    later()

    assert (called_off, waiting, wallet(member_id).stopped) == (True, True, False)


def test_codes_are_few_each_counts_once_and_not_for_a_later_freeze(db, member_id):
    at = clock.now()
    freeze(db, member_id)
    with database.begin() as session:
        freezes.send_code(session, db, member_id, at)
    code = code_of(db, member_id, "thaw-code")
    with database.begin() as session:
        assert freezes.thaw(session, db, member_id, code, "member:1", at)
    freeze(db, member_id)

    with database.begin() as session:
        assert not freezes.thaw(session, db, member_id, code, "member:1", at)
    for _ in range(freezes.CODES.tries - 1):
        with database.begin() as session:
            freezes.send_code(session, db, member_id, at)
    with pytest.raises(freezes.guesses.TooManyGuesses), database.begin() as session:
        freezes.send_code(session, db, member_id, at)


def test_points_that_lapse_go_on_lapsing(db, member_id):
    soon = clock.now().date() + timedelta(days=1)
    given_points(member_id, 5, last_day=soon)
    freeze(db, member_id)
    expire = Request(member_id, uuid.uuid4(), Kind.EXPIRE, 0, clock.now() + timedelta(days=3), ZONE)

    with database.begin() as session:
        lapsed = ledger.post(session, expire).postings

    assert [(p.kind, p.amount) for p in lapsed] == [(Kind.EXPIRE, 5)]


def test_a_wallet_that_disagrees_with_its_freezes_is_found(db, member_id):
    with database.begin() as session:
        session.execute(text("update wallet set stopped = true"))
        found = list(findings(session))
        session.execute(text("update wallet set stopped = false"))

    assert [one.place for one in found] == [f"member {member_id}"]
