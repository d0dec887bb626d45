"""A merchant changes where it is paid: password again, a code to the old contact, word to it, and 48 hours without payouts.

So whoever has only the session, or only the password, changes nothing; and who has both leaves two days in which the old
contact hears of it and the operator can stop what is planned.
"""

import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.auth import guesses, one_time_codes, passwords
from base.auth.guesses import Limit
from base.config import Config
from base.errors import Conflict, NotAllowed, NotFound, NotSignedIn, TooMany, field_errors
from base.notices import notices
from merchants.models import CLOSED, Merchant
from merchants.onboarding.documents import mask
from merchants.payout_routes import accounts, routes
from merchants.payout_routes.models import BANK, ENABLED, STRIPE, PayoutRoute, PayoutRouteChange
from merchants.payout_routes.routes import HOLD, Contact, Details
from merchants.scope import Reach
from merchants.terminals.models import FINANCE, OWNER, ClerkRow

LIFE = one_time_codes.LIFE
MOST_A_DAY = 5
LIMIT = Limit(tries=5, window=timedelta(minutes=15))
_NUMBER = re.compile(r"[0-9]{8,32}", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}", re.ASCII)
_PHONE = re.compile(r"\+?[0-9]{6,15}", re.ASCII)


class RouteNotYours(NotAllowed):
    """Only an owner or a finance person changes where a merchant is paid."""

    zh = "只有店主或财务可以变更收款账户。"


class PasswordWrong(NotSignedIn):
    """This is not your password."""

    zh = "密码不正确。"


class NoOldContact(Conflict):
    """There is no contact to whom a code could go."""

    zh = "没有可接收验证码的原联系人。"
    next_en = "Hand in documents with a contact, and have the operator review them."
    next_zh = "请提交含联系人的资料并由运营商审核。"


class ChangeUnknown(NotFound):
    """There is no such change, or its time is over."""

    zh = "没有该变更，或已过期。"
    next_en, next_zh = "Ask for the change again.", "请重新申请变更。"


class TooManyChanges(TooMany):
    """Too many changes of where this merchant is paid were asked for."""

    zh = "变更收款账户的申请过于频繁。"
    next_en, next_zh = "Try again tomorrow, or ask the operator.", "请明天再试，或联系运营商。"


class CodeWrong(NotSignedIn):
    """This code is not right."""

    zh = "验证码不正确。"
    next_en, next_zh = "It was sent to the old contact; ask for the change again.", "验证码已发送给原联系人；可重新申请变更。"  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A change that waits for its code, and to whom it went, masked."""

    change: PayoutRouteChange
    sent_to: str


def begin(config: Config, reach: Reach, details: Details, contact: Contact, password: str) -> Asked:
    """Ask for a change: the password once more, then a code goes to the contact of the route that counts.

    RouteNotYours, PasswordWrong, TooManyGuesses, TooManyChanges, NoOldContact, Invalid. Opens its own transactions: wrong tries count.
    """
    at, guessed = clock.now(), f"payout-route:{reach.clerk_id}"
    with database.begin() as session:
        guesses.check(session, guessed, LIMIT, at)
        person = session.get_one(ClerkRow, reach.clerk_id)
        if person.role not in (OWNER, FINANCE):
            raise RouteNotYours()
        right = passwords.matches(person.pin_hash, password)
        if not right:
            guesses.wrong(session, guessed, at)
    if not right:
        raise PasswordWrong()
    with database.begin() as session:
        return _asked(session, config, reach, details, contact, at)


def _asked(
    session: Session, config: Config, reach: Reach, details: Details, contact: Contact, at: datetime
) -> Asked:
    merchant = session.get_one(Merchant, reach.merchant_id)
    check(session, merchant, details, contact)
    before = routes.ensure(session, config.seal_key, reach.merchant_id, at)
    old = routes.contact_of(config.seal_key, before) if before else Contact()
    if not old.phone:
        raise NoOldContact()
    _check_count(session, reach.merchant_id, at)
    change = PayoutRouteChange(
        merchant_id=reach.merchant_id,
        change_id=ids.new_id(),
        at=at,
        ends_at=at + LIFE,
        kind=details.kind,
        account=details.account,
        masked=details.masked,
        actor=reach.actor,
        sealed=routes.sealed(config.seal_key, reach.merchant_id, asdict(details)),
        contact_sealed=routes.sealed(
            config.seal_key, reach.merchant_id, asdict(contact if contact.phone else old)
        ),
    )
    session.add(change)
    session.flush()
    code = one_time_codes.make(session, _scope(reach.merchant_id, change.change_id), config.secret_key, at)
    facts = {"code": code, "account": details.masked, "minutes": str(int(LIFE.total_seconds() // 60))}
    _tell(session, config, merchant, old, "payout-route-code", facts)
    return Asked(change, mask(old.phone))


def _check_count(session: Session, merchant_id: int, at: datetime) -> None:
    """TooManyChanges: each brings a code more that could be guessed, and a message to the old contact."""
    asked = select(func.count()).where(
        PayoutRouteChange.merchant_id == merchant_id, PayoutRouteChange.at > at - timedelta(days=1)
    )
    if (session.scalar(asked) or 0) >= MOST_A_DAY:
        raise TooManyChanges()


def confirm(config: Config, reach: Reach, change_id: int, code: str) -> PayoutRoute:
    """The code was right: the route counts from now on, is paid to 48 hours later, and the old contact hears of it.

    ChangeUnknown, CodeWrong. Opens its own transactions: wrong codes count, five at most.
    """
    at, key = clock.now(), _scope(reach.merchant_id, change_id)
    with database.begin() as session:
        change = session.get(PayoutRouteChange, (reach.merchant_id, change_id))
        if change is None or change.confirmed_at is not None or change.ends_at <= at:
            raise ChangeUnknown()
        right = one_time_codes.take(session, key, code, config.secret_key, at)
        if right:
            return _confirmed(session, config, change, reach.actor, at)
    raise CodeWrong()


def _confirmed(
    session: Session, config: Config, change: PayoutRouteChange, actor: str, at: datetime
) -> PayoutRoute:
    merchant = session.get_one(Merchant, change.merchant_id)
    before = routes.current(session, change.merchant_id)
    details = Details(**routes.opened(config.seal_key, change.merchant_id, change.sealed))
    contact = Contact(**routes.opened(config.seal_key, change.merchant_id, change.contact_sealed))
    route = routes.add(
        session, config.seal_key, change.merchant_id, details, contact, actor, at, holds_until=at + HOLD
    )
    session.execute(
        update(PayoutRouteChange)
        .where(
            PayoutRouteChange.merchant_id == change.merchant_id,
            PayoutRouteChange.change_id == change.change_id,
        )
        .values(confirmed_at=at, route_no=route.route_no)
    )
    if before is not None:
        hours = str(int(HOLD.total_seconds() // 3600))
        old = routes.contact_of(config.seal_key, before)
        _tell(
            session, config, merchant, old, "payout-route-changed", {"account": route.masked, "hours": hours}
        )
    return route


def check(session: Session, merchant: Merchant, details: Details, contact: Contact) -> None:
    """Invalid, unless money could go there."""
    wrong: dict[str, str] = {}
    if merchant.state == CLOSED:
        wrong["kind"] = "the merchant has left"
    if details.kind == STRIPE:
        row = accounts.of_merchant(session, merchant.merchant_id)
        if (row.account, row.state) != (details.account, ENABLED):
            wrong["kind"] = "the account at Stripe is not ready"
    elif details.kind == BANK:
        if not (_NUMBER.fullmatch(details.number) or _IBAN.fullmatch(details.number)):
            wrong["number"] = "8 to 32 digits, or an IBAN, without spaces"
        if not details.holder:
            wrong["holder"] = "needed for a bank account"
    else:
        wrong["kind"] = "is stripe or bank"
    if contact.phone and not _PHONE.fullmatch(contact.phone):
        wrong["contact_phone"] = "6 to 15 digits"
    if wrong:
        raise field_errors(wrong)


def _tell(
    session: Session, config: Config, merchant: Merchant, to: Contact, template: str, facts: dict[str, str]
) -> None:
    """A message to the merchant's contact; it belongs to the merchant's own id, which no member has."""
    if to.phone:
        notices.send(session, config, merchant.merchant_id, to.phone, template, facts, zone=merchant.zone)


def _scope(merchant_id: int, change_id: int) -> str:
    return f"payout-route:{merchant_id}:{change_id}"
