"""The abuse cases of a merchant's money and events by their numbers in the design; those of the till: tests/catalog/vouchers."""

import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.proof import findings
from base import clock, database
from base.config import PRODUCTION
from base.http.settings import keep
from merchants import card_payments
from merchants.payouts.stripe import EventForged, EventTooOld
from tests.given import (
    caller,
    clerk_token,
    closed,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
)
from tests.owner import forget_everything
from tests.persons import person_token

SECRET = "whsec_" + "s" * 32
INSIDE = (
    "https://127.0.0.1/",
    "https://localhost/",
    "https://[::1]/",
    "https://10.0.0.7/",
    "https://169.254.1.1/",
)


def signed(body: bytes, at: int, secret: str = SECRET) -> str:
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def test_abuse_14_a_forged_an_altered_and_an_old_event_are_not_believed(db):
    config, at = db.at(stripe_webhook_secret=SECRET), clock.now()
    body = json.dumps(
        {
            "id": "evt_1",
            "type": "payment_intent.succeeded",
            "data": {"object": {"object": "payment_intent", "id": "pi_1"}},
        }
    ).encode()
    now = int(at.timestamp())

    assert card_payments.event_of(config, body, signed(body, now), at).event_id == "evt_1"
    for told, header in (
        (body, signed(body, now, "whsec_other")),
        (body.replace(b"pi_1", b"pi_2"), signed(body, now)),
        (body, None),
    ):
        with pytest.raises(EventForged):
            card_payments.event_of(config, told, header, at)
    with pytest.raises(EventTooOld):
        card_payments.event_of(config, body, signed(body, now), at + timedelta(seconds=302))


@pytest.fixture
def sealed(app, db):
    """A sealed statement over one acceptance."""
    shop, programme = given_shop(), given_programme()
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)
    member = caller(app, member_token(given_member(db, programme, points=9_000)))
    assert (
        caller(app, clerk_token(shop)).accept(member.voucher_code(member.redeem(offer).json)).status_code
        == 201
    )
    return closed(shop, clock.day(clock.now(), shop.merchant.zone))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (
            "update statement set owed_fen = owed_fen + 1, net_fen = net_fen + 1, payable_fen = payable_fen + 1",
            "statement seal",
        ),
        ("update statement_line set owed_fen = owed_fen + 1", "statement seal"),
        ("delete from statement_line", "statement seal"),
        ("update statement set previous_hash = sha256('x')", "statement chain"),
    ],
)
def test_abuse_18_a_sealed_statement_that_was_edited_is_refused_to_us_and_found_of_the_owner(
    db, owner, sealed, change, rule
):
    with database.begin() as session:
        ours = session.connection().exec_driver_sql(
            "select has_table_privilege(current_user, 'statement', 'update, delete'), "
            "has_table_privilege(current_user, 'statement_line', 'update, delete')"
        ).one()  # fmt: skip
    owner.execute(text(change))
    with database.begin() as session:
        found = {finding.rule for finding in findings(session)}
    forget_everything(db)

    assert tuple(ours) == (False, False)
    assert rule in found


@pytest.mark.parametrize("url", INSIDE)
def test_abuse_21_an_address_inside_gets_no_events_of_a_merchant(app, db, url):
    owner = caller(app, person_token(given_shop()))
    keep(app, db.at(environment=PRODUCTION))

    answer = owner.post("/v1/webhooks/endpoints", {"url": url, "types": ["*"]})
    keep(app, db)

    assert (answer.status_code, answer.json["type"]) == (422, "/problems/address-refused")
