"""The abuse cases of a merchant's money and events by their numbers in the design; those of the till: tests/catalog/vouchers."""

import hashlib
import hmac
import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from app.proof import findings
from base import clock, database
from base.config import PRODUCTION
from base.http.settings import keep
from base.notices import notices
from merchants import card_payments
from merchants.models import LEAVING, Merchant
from merchants.payouts import bank_returns, payouts
from merchants.payouts.bank_returns import FileInNoCharset, FileTooLarge, Taken
from merchants.payouts.stripe import EventForged, EventTooOld
from merchants.recoveries import recoveries
from tests.given import (
    caller,
    clerk_token,
    closed,
    given_colleague,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    merchant_token,
)
from tests.merchants.payouts.conftest import paying as _paying
from tests.merchants.payouts.paying import (
    TRANSFERS,
    given_account,
    given_bank,
    given_merchant,
    given_statement,
    payout_of,
)
from tests.owner import forget_everything
from tests.persons import person_token

paying = _paying

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


@pytest.mark.attack("A11")
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
@pytest.mark.attack("A14")
def test_abuse_21_an_address_inside_gets_no_events_of_a_merchant(app, db, url):
    owner = caller(app, person_token(given_shop()))
    keep(app, db.at(environment=PRODUCTION))

    answer = owner.post("/v1/webhooks/endpoints", {"url": url, "types": ["*"]})
    keep(app, db)

    assert (answer.status_code, answer.json["type"]) == (422, "/problems/address-refused")


def test_abuse_15_a_transfer_that_timed_out_after_stripe_did_it_is_found_and_not_sent_again(paying):
    merchant = given_merchant()
    given_account(paying.config, paying.twin, merchant)
    statement = given_statement(merchant, 8_000)
    paying.run()
    paying.twin.fails(TRANSFERS, "timeout_after")

    paying.walk()
    lost = payout_of(statement).state
    paying.later(days=2).walk(3)  # the key is long forgotten

    assert lost == "unknown"
    assert payout_of(statement).state == "sent"
    assert len(paying.twin.all("transfer")) == paying.twin.calls[TRANSFERS] == 1


@pytest.mark.attack("A22")
def test_abuse_16_a_bank_account_changed_before_payday_gets_nothing_for_48_hours(app, db):
    shop, key = given_shop(), "a long password 7"
    given_bank(db, shop.merchant)
    statement = given_statement(shop.merchant, 8_000)
    thief = caller(app, merchant_token(given_colleague(shop, "owner", "00", secret=key)))
    asked = {"kind": "bank", "holder": "Mallory", "number": "6222020000009999"}

    without = thief.post("/v1/merchant/payout-route-changes", asked | {"password": "guessed it"})
    made = thief.post("/v1/merchant/payout-route-changes", asked | {"password": key}).json
    guessed = thief.post(f"/v1/merchant/payout-route-changes/{made['id']}/confirm", {"code": "x"})
    code = re.search(r"\d{6}", told(db)[0].text).group()
    thief.post(f"/v1/merchant/payout-route-changes/{made['id']}/confirm", {"code": code})

    def held(hours: int) -> str:
        with clock.stopped(clock.now() + timedelta(hours=hours)), database.begin() as session:
            return payouts.look_again(session, session.merge(payout_of(statement)), clock.now()).held

    assert (without.status_code, guessed.status_code) == (401, 401)
    assert [(one.template, one.receiver) for one in told(db)] == [
        ("payout-route-changed", "13900001234"),
        ("payout-route-code", "13900001234"),
    ]
    assert [held(hours) for hours in (0, 47, 49)] == ["route-changed", "route-changed", ""]


def test_abuse_17_a_merchant_that_leaves_owing_us_is_netted_taken_back_and_gets_nothing(paying):
    merchant = given_merchant(reserve_bp=1_000, reserve_days=90)
    given_account(paying.config, paying.twin, merchant)
    paid = given_statement(merchant, 10_000)  # 1,000 of it in reserve
    paying.run()
    paying.walk()
    with database.begin() as session:
        session.execute(update(Merchant).values(state=LEAVING))
    with paying.stopped():
        last = given_statement(merchant, -13_000)

    def take(step: str) -> None:
        with paying.stopped(), database.begin() as session:
            found = session.get_one(Merchant, merchant.merchant_id)
            recoveries.take(session, found, step, "leaves", "staff:1", paying.now)

    take("reserve")
    take("reversal")
    paying.walk()
    take("invoice")
    with paying.later(days=1).stopped():
        after = given_statement(merchant, 700)

    with database.begin() as session:
        rungs = [(one.step, one.amount_fen) for one in recoveries.all_of(session, merchant.merchant_id)]
    assert payout_of(paid).state == "sent"
    assert last.carried_fen == -13_000
    assert rungs[::-1] == [("reserve", 1_000), ("reversal", 9_000), ("invoice", 3_000)]
    assert (after.payable_fen, payout_of(after).held) == (700, "leaving-owing")


def told(db):
    with database.begin() as session:
        return notices.latest(session, db.seal_key)


@pytest.mark.attack("A15")
def test_abuse_19_a_hostile_file_is_capped_read_as_a_stream_and_named_row_by_row(paying, tmp_path):
    """The only file that comes from outside so far is a bank's answer; merchants' own files are not taken in yet."""
    merchant = given_merchant()
    given_bank(paying.config, merchant, "6222020000001234")
    statement = given_statement(merchant, 12_345)
    paying.run("bank")
    reference = payout_of(statement).transfer
    head = b"reference,amount_fen,state,reason\n"

    def take(name: str, content: bytes) -> Taken:
        path = tmp_path / name
        path.write_bytes(content)
        with database.begin() as session:
            return bank_returns.take(session, path, "plain", "staff:1", paying.now)

    with pytest.raises(FileTooLarge):
        take("huge.csv", head + b"x" * bank_returns.MOST_BYTES)
    with pytest.raises(FileTooLarge):
        take("long.csv", head + b"a,1,paid,\n" * (bank_returns.MOST_ROWS + 1))
    with pytest.raises(FileInNoCharset):
        take("odd.csv", head + b"\xff\xff\xff,1,paid,\n")
    wrong = take(
        "wrong.csv", head + f"=1+1,12345,paid,\n{reference},=12345,paid,\n{reference},12345,=paid,\n".encode()
    )
    assert [row.line_no for row, _ in wrong.wrong] == [2, 3, 4]
    assert (wrong.file.paid, payout_of(statement).state) == (0, "sent")

    assert take("right.csv", head + f"{reference},12345,paid,\n".encode()).file.paid == 1
    assert payout_of(statement).state == "paid"
