"""Merchants' accounts at Stripe: asked for once, onboarded on Stripe's own page, kept as Stripe told them last.

When an account is made it becomes the merchant's first route; a merchant that is paid elsewhere changes to it like to any
other route (`changes.py`).
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from base import audit, clock, database, ids
from base.config import Config
from base.errors import Conflict, Invalid, NotFound, Unavailable
from merchants.models import Merchant
from merchants.onboarding import documents
from merchants.payout_routes import routes
from merchants.payout_routes.models import ASKED, ENABLED, ONBOARDING, RESTRICTED, STRIPE, StripeAccount
from merchants.payout_routes.routes import Contact, Details
from merchants.payouts import connect, stripe
from merchants.payouts.connect import Account
from merchants.payouts.states import SYSTEM
from merchants.payouts.stripe import NotDone

LOOKS_EVERY = timedelta(hours=20)
FIRST_WAIT_S, LONGEST_WAIT = 30, timedelta(hours=1)
BATCH = 20
log = structlog.get_logger()


class AccountUnknown(NotFound):
    """This merchant has no account at Stripe."""

    zh = "该商户没有 Stripe 账户。"
    next_en, next_zh = "Ask for one first.", "请先申请开通。"


class AccountNotMade(Conflict):
    """Stripe has not made this account yet."""

    zh = "Stripe 账户尚未建立。"
    next_en, next_zh = "Try again in a minute.", "请稍后再试。"


class CountryWrong(Invalid):
    """A country is two capital letters."""

    zh = "国家或地区为两个大写字母。"


class StripeSilent(Unavailable):
    """Stripe does not answer at the moment."""

    zh = "Stripe 暂时无响应。"


def ask(session: Session, merchant: Merchant, country: str, actor: str, at: datetime) -> StripeAccount:
    """Ask for an account, which is made after the commit. Twice is once; CountryWrong."""
    there = session.get(StripeAccount, merchant.merchant_id)
    if there is not None:
        return there
    if not (len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()):
        raise CountryWrong()
    session.get_one(Merchant, merchant.merchant_id, with_for_update=True)
    row = StripeAccount(
        merchant_id=merchant.merchant_id, at=at, country=country, state=ASKED, needs="", payouts_on=False, tries=0
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.write(session, actor, "stripe-account.asked", ids.public("mer", merchant.merchant_id))
    return row


def of_merchant(session: Session, merchant_id: int) -> StripeAccount:
    """A merchant's account; AccountUnknown."""
    found = session.get(StripeAccount, merchant_id, populate_existing=True)
    if found is None:
        raise AccountUnknown()
    return found


def of_account(session: Session, account: str) -> StripeAccount | None:
    """Whose account it is."""
    return session.scalar(select(StripeAccount).where(StripeAccount.account == account))


def link(config: Config, account: str | None, back: str) -> str:
    """Stripe's own page for the merchant, asked for each time and kept nowhere; AccountNotMade, StripeSilent."""
    if account is None:
        raise AccountNotMade()
    found = connect.onboarding_link(config, account, back)
    if not isinstance(found, str):
        raise StripeSilent(found.reason)
    return found


def walk(config: Config) -> bool:
    """Make accounts that were asked for, look at those that nobody told about for long; whether there may be more."""
    if not stripe.is_on(config):
        return False
    at = clock.now()
    with database.begin() as session:
        asked = (
            select(StripeAccount.merchant_id)
            .where(or_(StripeAccount.looked_at.is_(None), StripeAccount.looked_at <= at - LOOKS_EVERY))
            .where(or_(StripeAccount.busy_until.is_(None), StripeAccount.busy_until <= at))
            .order_by(StripeAccount.at)
            .limit(BATCH)
        )
        places = list(session.scalars(asked))
    for merchant_id in places:
        step(config, merchant_id)
    return len(places) == BATCH


def step(config: Config, merchant_id: int) -> None:
    """Make the account or look at it; safe to run twice, the key makes one of it for a day, and the row for good."""
    at = clock.now()
    with database.begin() as session:
        row = of_merchant(session, merchant_id)
        merchant = session.get_one(Merchant, merchant_id)
        row.tries += 1
        row.busy_until = at + min(LONGEST_WAIT, timedelta(seconds=FIRST_WAIT_S << min(row.tries, 12)))
        account, country, currency = row.account, row.country, merchant.currency
    found: Account | NotDone
    if account is None:
        found = connect.create_account(config, ids.public("mer", merchant_id), country, currency)
    else:
        found = connect.look_account(config, account)
    if isinstance(found, Account):
        with database.begin() as session:
            keep(session, config.seal_key, merchant_id, found, at)
    else:
        log.error("stripe account", merchant=ids.public("mer", merchant_id), reason=found.reason)


def keep(session: Session, seal_key: str, merchant_id: int, found: Account, at: datetime) -> None:
    """What Stripe told of an account, unless something later is known."""
    kept = session.scalar(
        update(StripeAccount)
        .where(
            StripeAccount.merchant_id == merchant_id,
            or_(StripeAccount.account.is_(None), StripeAccount.account == found.account),
            or_(StripeAccount.looked_at.is_(None), StripeAccount.looked_at <= at),
        )
        .values(
            account=found.account, state=_state(found), needs=found.needs, payouts_on=found.payouts, looked_at=at, tries=0
        )
        .returning(StripeAccount.merchant_id)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    if kept is not None and routes.ensure(session, seal_key, merchant_id, at) is None:
        paper = documents.opened(seal_key, documents.latest(session, merchant_id))
        contact = Contact(paper.contact_name, paper.contact_phone)
        details = Details(STRIPE, account=found.account)
        routes.add(session, seal_key, merchant_id, details, contact, SYSTEM, at, holds_until=at)


def _state(found: Account) -> str:
    if found.transfers:
        return ENABLED
    return RESTRICTED if found.submitted else ONBOARDING
