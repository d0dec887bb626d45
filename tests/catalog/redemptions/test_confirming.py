"""A code for what is large, on a strange device, or after a change of number: for this very quote, once, and not to be dodged."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from base import clock, database
from base.auth import sign_ins
from base.auth.models import SignIn
from base.auth.sign_ins import Device
from base.http import settings
from catalog.redemptions import confirming
from catalog.redemptions.models import Redemption, StepUp
from points import ledger
from points.members import phones
from tests.catalog.redemptions.test_races import at_once
from tests.codes import code_of, texts
from tests.given import (
    caller,
    given_group,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)

MOST = 10_000


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=100_000)


@pytest.fixture
def me(app, db, member_id):
    settings.keep(app, db.at(code_above_points=MOST, code_above_fen=MOST))
    yield caller(app, member_token(member_id))
    settings.keep(app, db)


@pytest.fixture
def large(programme):
    return given_offer(
        programme, "voucher", merchant_id=given_shop().merchant.merchant_id, value_fen=MOST + 1
    )


@pytest.fixture
def small(programme):
    return given_offer(programme, "perk", value_fen=100)


def strange_token(member_id):
    with database.begin() as session:
        return sign_ins.begin(
            session, "member", member_id, clock.now(), device=Device("Chrome", b"x" * 32, trusted=False)
        )


def of_type(answer):
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def sent(db, me, quote, member_id):
    assert me.post(f"/v1/quotes/{quote}/code", {}).status_code == 202
    return code_of(db, member_id, "step-up-code")


def count(table):
    with database.begin() as session:
        return len(session.scalars(select(table)).all())


@pytest.mark.attack("A5")
def test_above_the_limit_a_code_is_asked_and_names_what_it_is_for(db, me, member_id, large):
    quoted = me.quote(large).json
    quote = quoted["id"]

    bare = me.post("/v1/redemptions", {"quote": quote})
    code = sent(db, me, quote, member_id)
    wrong = me.post("/v1/redemptions", {"quote": quote, "code": "000000" if code != "000000" else "111111"})
    right = me.post("/v1/redemptions", {"quote": quote, "code": code}, key="k")
    again = me.post("/v1/redemptions", {"quote": quote, "code": code}, key="k")

    assert (quoted["needs_code"], quoted["code_because"]) == (True, "value")
    assert (of_type(bare), bare.json["why"]) == ("409 code-needed", "value")
    assert "/v1/quotes/{quote}/code" in bare.json["next"]
    assert of_type(wrong) == "422 code-not-right"
    assert (right.status_code, again.json) == (201, right.json)
    said = texts(db, member_id, "step-up-code")[0]
    for part in (
        str(large.price_points) if hasattr(large, "price_points") else "10001",
        large.names["zh-CN"],
    ):
        assert part in said
    assert "绝不会索要" in said
    assert (count(Redemption), count(StepUp)) == (1, 1)


def test_at_the_limit_none_is_asked_and_none_is_sent(me, programme):
    offer = given_offer(programme, "perk", value_fen=MOST)
    quoted = me.quote(offer).json

    refused = me.post(f"/v1/quotes/{quoted['id']}/code", {})

    assert (quoted["needs_code"], of_type(refused)) == (False, "409 no-code-needed")
    assert me.post("/v1/redemptions", {"quote": quoted["id"]}).status_code == 201


def test_what_is_split_adds_up_within_a_day_and_what_had_a_code_does_not_count(
    db, me, member_id, programme, small
):
    half = given_offer(programme, "bill_credit", value_fen=MOST - 50)
    first = me.post("/v1/redemptions", {"quote": me.quote(half).json["id"]})
    quoted = me.quote(small).json
    refused = me.post("/v1/redemptions", {"quote": quoted["id"]})
    code = sent(db, me, quoted["id"], member_id)
    with_code = me.post("/v1/redemptions", {"quote": quoted["id"], "code": code})
    tiny = given_offer(programme, "perk", value_fen=50)
    rest = me.post("/v1/redemptions", {"quote": me.quote(tiny).json["id"]})

    assert (first.status_code, quoted["code_because"], of_type(refused)) == (201, "value", "409 code-needed")
    assert (with_code.status_code, rest.status_code) == (201, 201)
    with clock.stopped(clock.now() + timedelta(hours=25)):
        assert me.quote(small).json["needs_code"] is False


def test_two_halves_at_once_are_not_both_without_a_code(me, programme):
    offers = [given_offer(programme, "perk", value_fen=MOST - 100) for _ in range(2)]
    quotes = [me.quote(offer).json["id"] for offer in offers]

    answers = at_once(*[lambda q=q: me.post("/v1/redemptions", {"quote": q}) for q in quotes])

    # the second waits for the first one's wallet: its points are counted, or have changed under its quote
    assert sorted(a.status_code for a in answers) == [201, 409]
    assert count(Redemption) == 1


@pytest.mark.attack("A5")
def test_the_code_of_one_quote_confirms_no_other(db, me, member_id, large, programme):
    other = given_offer(programme, "perk", value_fen=MOST + 2)
    first, second = me.quote(large).json["id"], me.quote(other).json["id"]
    code = sent(db, me, first, member_id)
    of_second = sent(db, me, second, member_id)

    crossed = me.post("/v1/redemptions", {"quote": second, "code": code})

    if code != of_second:
        assert of_type(crossed) == "422 code-not-right"
    assert me.post("/v1/redemptions", {"quote": first, "code": code}).status_code == 201


def test_of_two_confirmations_at_once_one_redeems_and_both_hear_of_it(db, me, member_id, large):
    quote = me.quote(large).json["id"]
    code = sent(db, me, quote, member_id)

    answers = at_once(*[lambda: me.post("/v1/redemptions", {"quote": quote, "code": code})] * 2)

    assert sorted(a.status_code for a in answers) == [201, 409]
    assert (count(Redemption), ledger_balance(member_id)) == (1, 100_000 - MOST - 1)


def ledger_balance(member_id):
    with database.begin() as session:
        return ledger.read(session, member_id).balance


def test_a_strange_device_needs_a_code_once_and_is_known_then(app, db, me, member_id, small):
    strange = caller(app, strange_token(member_id))
    quoted = strange.quote(small).json

    refused = strange.post("/v1/redemptions", {"quote": quoted["id"]})
    from_known = me.quote(small).json["needs_code"]
    code = sent(db, strange, quoted["id"], member_id)
    right = strange.post("/v1/redemptions", {"quote": quoted["id"], "code": code})

    assert (quoted["code_because"], of_type(refused)) == ("device", "409 code-needed")
    assert (from_known, right.status_code) == (False, 201)
    assert strange.quote(small).json["needs_code"] is False
    with database.begin() as session:
        assert session.scalar(select(SignIn).where(SignIn.trusted_at.is_(None))) is None


def test_a_quote_made_where_one_is_known_needs_a_code_where_one_is_not(app, me, member_id, small):
    quote = me.quote(small).json["id"]

    refused = caller(app, strange_token(member_id)).post("/v1/redemptions", {"quote": quote})

    assert (of_type(refused), refused.json["why"]) == ("409 code-needed", "device")


@pytest.mark.attack("A4")
def test_for_a_day_after_a_change_of_number_a_code_goes_to_the_one_of_now(app, db, me, member_id, small):
    with database.begin() as session:
        phones.change(session, db, member_id, "13755556666", clock.now(), clock.now(), "service:x")
    changed = caller(app, member_token(member_id))
    frozen = of_type(changed.quote(small))
    changed.post("/v1/members/me/freeze/code", {})
    changed.post("/v1/members/me/freeze/thaw", {"code": code_of(db, member_id, "thaw-code")})
    quoted = changed.quote(small).json

    told = changed.post(f"/v1/quotes/{quoted['id']}/code", {}).json["number"]

    assert frozen == "403 points-frozen"  # until a code was sent to the new number
    assert (quoted["code_because"], told) == ("number", "137****6666")
    with clock.stopped(clock.now() + timedelta(hours=25)):
        assert changed.quote(small).json["needs_code"] is False


def test_a_groups_points_are_confirmed_with_a_code_to_who_spends_them(app, db, me, programme, member_id):
    group = given_group(db, programme, points=50_000, caps={member_id: 50_000})
    offer = given_offer(programme, "perk", value_fen=MOST + 1)
    from points.groups.groups import reference

    quoted = me.quote(offer, group=reference(group)).json
    code = sent(db, me, quoted["id"], member_id)

    assert (
        quoted["needs_code"],
        me.post("/v1/redemptions", {"quote": quoted["id"], "code": code}).status_code,
    ) == (
        True,
        201,
    )


@pytest.mark.attack("A4")
def test_wrong_codes_and_codes_sent_are_limited_by_member_and_by_source(
    db, me, member_id, large, monkeypatch
):
    quote = me.quote(large).json["id"]
    code = sent(db, me, quote, member_id)
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        me.post("/v1/redemptions", {"quote": quote, "code": wrong})

    used_up = me.post("/v1/redemptions", {"quote": quote, "code": code})
    monkeypatch.setattr(confirming, "WRONG", confirming.Limit(tries=6, window=timedelta(hours=1)))
    locked = me.post("/v1/redemptions", {"quote": quote, "code": sent(db, me, quote, member_id)})
    monkeypatch.setattr(confirming, "FROM_ONE_PLACE", confirming.Limit(tries=1, window=timedelta(hours=1)))

    assert of_type(used_up) == "422 code-not-right"
    assert of_type(locked) == "429 too-many-guesses"
    assert of_type(me.post(f"/v1/quotes/{quote}/code", {})) == "429 too-many-guesses"
    assert count(Redemption) == 0
