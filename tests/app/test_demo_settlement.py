"""The demo's settled month: a dispute that was found to stand, a clawback, and money under way, each by the real rules."""

from datetime import timedelta

from sqlalchemy import select

from app import demo_settlement, stripe_twin
from base import clock, database
from merchants.disputes.models import Dispute
from merchants.models import MerchantItem
from merchants.payouts.models import Payout, PayoutStep
from tests.engines import wire_again
from tests.given import given_person
from tests.merchants.sealing import GivenMonth
from tests.stripe_twin.app import serving
from tests.stripe_twin.twin import Twin


def test_claims_are_made_once_in_the_latest_month_that_will_have_been_sealed(app, db):
    given, support, checker = GivenMonth(app, db), given_person("support"), given_person("checker")
    ended = clock.now() - timedelta(hours=8)

    for left in (2, 1, 0):
        demo_settlement.claims(db, "tea", support, checker, left, ended)

    with database.begin() as session:
        kinds = sorted(session.scalars(select(MerchantItem.kind)))
        verdicts = sorted(str(one.verdict) for one in session.scalars(select(Dispute)))
    assert given.dispute["state"] == "open"
    assert kinds == ["clawback", "dispute-held", "dispute-held", "dispute-released"]
    assert verdicts == ["None", "merchant"]


def test_without_stripe_everything_that_is_due_goes_by_the_banks_file(app, db):
    given = GivenMonth(app, db)
    finance, checker = given_person("finance"), given_person("checker")

    with clock.stopped(clock.now() + timedelta(days=20)):
        demo_settlement.pay(db, "tea", finance, checker)

    with database.begin() as session:
        [payout] = session.scalars(select(Payout))
        steps = [one.state for one in session.scalars(select(PayoutStep).order_by(PayoutStep.step_no))]
    assert (payout.amount_fen, payout.route) == (given.statement.payable_fen, "bank")
    assert steps[0] == "on_hold"  # until an account is on file
    assert steps[-1] in ("sent", "paid")


def test_beside_the_twin_the_money_arrives_and_the_merchant_sees_it_paid(app, db):
    """It is a twin of Stripe, by us: no test against Stripe."""
    given = GivenMonth(app, db)
    finance, checker = given_person("finance"), given_person("checker")
    twin = Twin()
    twin.fund(given.statement.payable_fen)

    with serving(twin) as url, clock.stopped(clock.now() + timedelta(days=20)):
        joined = db.at(stripe_secret_key=stripe_twin.KEY, stripe_api_base=url, stripe_timeout_s=5)
        wire_again(joined)
        demo_settlement.pay(joined, "tea", finance, checker)

    with database.begin() as session:
        [payout] = session.scalars(select(Payout))
    assert (payout.route, payout.state) == ("stripe", "paid")
    assert [each["amount"] for each in twin.all("transfer").values()] == [given.statement.payable_fen]
