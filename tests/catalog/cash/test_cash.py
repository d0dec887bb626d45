"""Points and cash: never both the money and no voucher, never neither, whatever Stripe's twin does wrong.

The twin is ours: none of this is a test against Stripe.
"""

import random

import pytest
from sqlalchemy import select, text

from app.proof import findings
from base import clock, database
from catalog.cash import events, job, parts
from catalog.cash.models import CashEvent
from catalog.cash.parts import CashNotPaid, CashPartUnknown
from merchants import card_payments
from merchants.card_payments import Event
from points.members import members
from tests.catalog.cash.conftest import BACK, COURSE, FEN, HELD, SPENT, Paying
from tests.given import caller, given_member, member_token
from tests.points.test_ledger import at_once
from tests.stripe_twin.webhooks import signed

INTENTS, REFUNDS = "POST /v1/payment_intents", "POST /v1/refunds"
CANCEL = f"{INTENTS}/*/cancel"
EVENTS = "/v1/stripe/events"
DONE, OPEN, GIVEN_UP = ("paid", "fulfilled", SPENT), ("asked", "pending", HELD), ("cancelled", "failed", BACK)


def payment(paying: Paying) -> dict[str, object]:
    return dict(paying.member.get(f"/v1/redemptions/{paying.reference}/payment").json)


def test_a_member_pays_and_what_was_redeemed_is_theirs_whatever_order_the_webhooks_come_in(paying):
    assert payment(paying)["state"] == "due"
    assert paying.at(seconds=0).stands == OPEN
    shown = payment(paying)
    (intent,) = paying.twin.all("payment_intent").values()
    assert shown["client_secret"] == intent["client_secret"]
    assert shown["amount"] == {"amount_fen": FEN, "currency": "CNY"}
    assert (intent["amount"], intent["currency"], intent["metadata"]) == (
        FEN,
        "cny",
        {"redemption": paying.reference},
    )

    paying.twin.webhooks.copies, paying.twin.webhooks.backwards = 3, True
    paying.pays()
    assert set(paying.tells()) == {200}
    assert paying.at(seconds=1).stands == DONE

    assert payment(paying)["client_secret"] is None
    with database.begin() as session:
        kinds = session.scalars(select(CashEvent.kind)).all()
    assert kinds == ["payment_intent.succeeded"]  # told three times, followed once
    assert paying.at(days=2).stands == DONE
    assert paying.money == FEN


def test_without_any_webhook_a_look_finds_the_payment(paying):
    paying.at(seconds=0).pays()

    assert paying.at(seconds=31).stands == DONE


@pytest.mark.parametrize("mode", ["timeout_before", "timeout_after", "429", "500", "500_after"])
def test_an_answer_lost_at_the_asking_is_one_payment(paying, mode):
    paying.twin.fails(INTENTS, mode)
    assert paying.at(seconds=0).stands == ("due", "pending", HELD)

    paying.at(seconds=6)
    if mode.startswith(
        "500"
    ):  # the key keeps the failure for a day: the part cannot be paid, and waits till it is sure
        assert paying.at(minutes=16).stands == ("cancelling", "pending", HELD)
        assert paying.at(days=2).at(days=2, seconds=10).stands == GIVEN_UP
        assert {each["status"] for each in list(paying.twin.all("payment_intent").values())[-1:]} == {
            "canceled"
        }
        return
    assert len(paying.twin.all("payment_intent")) == 1
    paying.pays()
    assert paying.at(minutes=2).stands == DONE


@pytest.mark.parametrize("mode", ["timeout_before", "timeout_after", "429", "500_after"])
def test_time_is_up_and_points_come_back_only_when_stripe_says_cancelled(paying, mode):
    paying.at(minutes=14)
    paying.twin.fails(CANCEL, mode)

    assert paying.at(minutes=15).stands == ("cancelling", "pending", HELD)
    assert payment(paying)["client_secret"] is None
    assert paying.at(minutes=16).stands == GIVEN_UP
    assert [each["status"] for each in paying.twin.all("payment_intent").values()] == ["canceled"]
    paying.tells()
    assert paying.at(days=1).stands == GIVEN_UP
    assert paying.money == 0


def test_money_that_wins_the_race_against_the_cancelling_is_a_payment(paying, monkeypatch):
    cancel = card_payments.cancel
    monkeypatch.setattr(card_payments, "cancel", lambda *asked: paying.pays() and cancel(*asked))

    assert paying.at(minutes=1).at(minutes=15).stands == DONE
    assert paying.money == FEN


def test_while_stripe_is_silent_nothing_is_given_back(paying):
    paying.at(minutes=1)
    paying.twin.fails(CANCEL, "timeout_before", times=50)
    assert paying.at(minutes=15).at(hours=3).stands == ("cancelling", "pending", HELD)

    paying.twin.faults.clear()
    paying.pays()  # and it was paid after all
    assert paying.at(hours=5).stands == DONE


def test_what_was_never_asked_for_or_is_refused_is_given_back(paying):
    paying.twin.fails(INTENTS, "429", times=50)
    assert paying.at(minutes=14).stands == ("due", "pending", HELD)
    assert paying.at(minutes=15).stands == GIVEN_UP
    assert paying.twin.all("payment_intent") == {}

    # Somebody pays all the same: money that comes after a release goes back.
    stray = paying.twin.create_intent(
        {"amount": FEN, "currency": "cny", "metadata": {"redemption": paying.reference}}
    )
    paying.twin.succeed(stray["id"])
    paying.twin.fails("GET /v1/payment_intents/*", "timeout_before")
    paying.twin.fails(REFUNDS, "timeout_after")
    paying.tells()
    assert paying.at(minutes=16).at(minutes=30).at(minutes=31).stands == ("refunded", "failed", BACK)
    assert (paying.money, len(paying.twin.all("refund"))) == (0, 1)
    assert "after" in (paying.part.reason or "")


def test_a_member_who_does_not_want_to_pay_any_more_stops_it(paying):
    paying.at(minutes=1).hands_back()

    assert paying.at(minutes=2).stands == GIVEN_UP
    paying.rule(parts.stop)
    assert paying.stands == GIVEN_UP
    with pytest.raises(CashNotPaid):
        paying.rule(parts.refund)


def test_another_amount_than_asked_for_is_for_a_person(paying):
    paying.at(seconds=0)
    (intent,) = paying.twin.all("payment_intent").values()
    intent["currency"] = "usd"
    paying.pays()

    assert paying.at(minutes=1).at(hours=2).stands == ("cancelling", "pending", HELD)
    assert "another amount" in (paying.part.reason or "")


def test_a_refund_is_sent_once_and_again_only_after_a_failure_that_is_certain(paying):
    paying.at(seconds=0).pays()
    paying.at(minutes=1)
    paying.twin.fails(REFUNDS, "timeout_after")
    paying.twin.fails(REFUNDS, "refund_pending")
    paying.hands_back()
    paying.rule(parts.refund)  # twice is once
    assert paying.at(minutes=2).part.state == "refund_due"
    (first,) = paying.twin.all("refund").values()

    paying.twin.end_refund(first["id"], "failed")
    paying.tells()
    assert paying.at(minutes=10).at(minutes=12).part.state == "refunded"
    second = [each for each in paying.twin.all("refund").values() if each is not first]
    assert [each["status"] for each in second] == ["succeeded"]
    assert paying.money == 0

    paying.twin.end_refund(second[0]["id"], "failed")  # days later the bank sends it back
    paying.tells()
    assert paying.at(days=3).at(days=4).part.state == "refunded"
    assert (paying.part.refund_no, paying.money) == (3, 0)


def test_the_door_for_webhooks_takes_only_what_stripe_signed_just_now_and_follows_it_once(paying, app):
    paying.at(seconds=0).pays()
    event = next(e for e in paying.twin.all("event").values() if e["type"] == "payment_intent.succeeded")
    body = app.json.dumps(event).encode()
    secret, now = paying.config.stripe_webhook_secret, int(clock.now().timestamp())
    door = app.test_client()

    def told(header: str | None, body: bytes = body) -> tuple[int, str | None]:
        answer = door.post(EVENTS, data=body, headers={"Stripe-Signature": header} if header else {})
        return answer.status_code, answer.json.get("type")

    assert told(None) == told(signed("whsec_other", body, now)) == (400, "/problems/event-forged")
    assert told(signed(secret, body, now), body + b" ") == (400, "/problems/event-forged")
    assert told(signed(secret, body, now - 301)) == (400, "/problems/event-too-old")
    with database.begin() as session:
        assert session.scalars(select(CashEvent)).all() == []
    assert [told(signed(secret, body, now)) for _ in range(2)] == [(200, None)] * 2
    foreign = body.replace(paying.reference.encode(), b"order-7")
    assert told(signed(secret, foreign, now), foreign) == (200, None)
    with database.begin() as session:
        assert session.scalars(select(CashEvent.event_id)).all() == [event["id"]]
    assert paying.at(seconds=1).stands == DONE


def test_a_webhook_is_only_a_hint(paying):
    """What it says is not believed: a true signature over "succeeded", and nothing was paid."""
    paying.at(seconds=0)
    intent = paying.part.payment_intent
    with database.begin() as session:
        assert events.on_event(
            session, Event("evt_1", "payment_intent.succeeded", intent, paying.reference), clock.now()
        )

    assert paying.at(seconds=1).stands == OPEN


def test_of_workers_at_once_one_asks(paying):
    place = (paying.config, COURSE, paying.member_id, paying.redemption_id)

    at_once(4, lambda _: job.step(*place))

    assert paying.twin.calls[INTENTS] == 1
    assert paying.stands == OPEN


def test_a_worker_that_dies_after_the_call_loses_nothing(paying, monkeypatch):
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(job, "record", dies)
        with pytest.raises(KeyboardInterrupt):
            paying.step()
    assert paying.at(minutes=4).stands == ("due", "pending", HELD)  # it may still be asking

    assert paying.at(minutes=5, seconds=1).stands == OPEN
    assert len(paying.twin.all("payment_intent")) == 1
    paying.pays()
    with pytest.raises(CashPartUnknown):  # a hook that raises undoes the record with it
        paying.step(job.Course(paid=lambda session, *_: parts.locked(session, 0, 0) and None, gave_up=dies))
    assert paying.stands == OPEN
    assert paying.at(minutes=11).stands == DONE


@pytest.mark.parametrize("seed", range(3))
def test_whatever_goes_wrong_in_whatever_order_money_and_points_agree_in_the_end(paying, seed):
    dice, twin = random.Random(seed), paying.twin
    routes = (INTENTS, CANCEL, REFUNDS, "GET /v1/payment_intents/*", "GET /v1/refunds/*")
    modes = ("timeout_before", "timeout_after", "429")
    for minute in range(1, 20):
        for _ in range(dice.randrange(3)):
            twin.fails(dice.choice(routes), dice.choice(modes))
        twin.webhooks.copies, twin.webhooks.backwards = dice.choice((1, 3)), dice.random() < 0.5
        waiting = [
            i["id"] for i in twin.all("payment_intent").values() if i["status"] == "requires_payment_method"
        ]
        if waiting and dice.random() < 0.1:
            twin.succeed(waiting[0])
        if dice.random() < 0.05:
            paying.rule(parts.stop)
        if dice.random() < 0.5:
            paying.tells()
        if paying.part.state == "paid" and dice.random() < 0.2:
            paying.hands_back()
        paying.at(minutes=minute)

    twin.faults.clear()
    paying.tells()
    paying.at(hours=2).at(hours=4).at(hours=6)

    state, redemption, points = paying.stands
    assert (state, redemption, points) in (
        DONE,
        GIVEN_UP,
        ("refunded", "cancelled", BACK),
        ("refunded", "failed", BACK),
    )
    assert paying.money == (FEN if state == "paid" else 0)
    assert len(twin.all("payment_intent")) <= 1


def test_only_the_member_sees_what_is_to_be_paid(paying, app):

    with database.begin() as session:
        programme_id = members.by_id(session, paying.member_id).programme_id
        from points import programmes

        programme = programmes.by_id(session, programme_id)
    other = caller(app, member_token(given_member(paying.config, programme)))

    answer = other.get(f"/v1/redemptions/{paying.reference}/payment")
    assert (answer.status_code, answer.json["type"]) == (404, "/problems/redemption-unknown")
    with pytest.raises(CashPartUnknown), database.begin() as session:
        parts.find(session, paying.member_id, 1)


def test_verify_finds_money_and_redemption_that_disagree(paying, owner):
    paying.at(seconds=0).pays()
    paying.at(minutes=1)

    def found(statement: str, back: str) -> set[str]:
        owner.execute(text(statement))
        with database.begin() as session:
            told = {one.rule for one in findings(session) if one.rule.startswith("cash")}
        owner.execute(text(back))
        return told

    planted = {
        "update cash_part set paid_at = null, state = 'asked'": "update cash_part set paid_at = now(), state = 'paid'",
        "update cash_part set paid_at = null, gave_up_at = now(), state = 'cancelled'": "update cash_part set "
        "paid_at = now(), gave_up_at = null, state = 'paid'",
        "insert into cash_part select member_id, 7, amount_fen, at, ends_at, changed_at, busy_until, paid_at, gave_up_at, "
        "tries, refund_no, maybe_sent, currency, state, payment_intent, refund, reason "
        "from cash_part": "delete from cash_part where redemption_id = 7",
        "insert into cash_event values (1, 'evt_x', 2, now(), 'x', null)": "delete from cash_event",
    }
    rules = {statement[:20]: found(statement, back) for statement, back in planted.items()}

    assert all(rules.values()), rules
