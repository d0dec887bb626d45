"""A gift is confirmed by a code that goes to the giver's own number: for this quote, this receiver, once."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from base.auth import guesses, one_time_codes
from base.auth.guesses import Limit
from base.config import Config
from base.errors import Conflict
from base.notices.templates import Facts
from catalog.offers import offers
from catalog.redemptions import redemptions
from catalog.redemptions.models import Quote
from points.members import masks, members
from points.members.sign_in import secrets_of
from points.notices import telling
from points.people import looking

CODES = Limit(tries=20, window=timedelta(days=1))


class NoNumberForCode(Conflict):
    """There is no number that a code could be sent to."""

    zh = "没有可接收验证码的手机号码。"
    next_en, next_zh = "Ask support to enter your number.", "请联系客服登记您的号码。"


def send(session: Session, config: Config, quote: Quote, at: datetime) -> dict[str, str | None] | None:
    """Send the code of a quote of a gift; number and name of the receiver, masked. None: it is no gift.

    NoNumberForCode, TooManyGuesses (too many codes in a day).
    """
    receiver_id = quote.details.get("receiver_id")
    if receiver_id is None:
        return None
    sent = f"voucher-gift-codes:{quote.member_id}"
    guesses.check(session, sent, CODES, at)
    guesses.wrong(session, sent, at)
    if members.phone_of(session, secrets_of(config), quote.member_id) is None:
        raise NoNumberForCode()
    found = looking.masked(session, config, members.by_id(session, receiver_id))
    code = one_time_codes.make(session, _scope(quote), config.secret_key, at)
    facts: Facts = {
        "code": code,
        "offer": offers.version(session, quote.version_id).names,
        "receiver": found.phone or masks.STARS,
        "minutes": one_time_codes.LIFE // timedelta(minutes=1),
    }
    telling.tell(session, config, quote.member_id, "voucher-gift-code", facts)
    return {"number": found.phone, "name": found.personal.get("name")}


def receiver(session: Session, config: Config, quote: Quote) -> str | None:
    """Whom a quote of a gift is for, masked; None: it is no gift."""
    receiver_id = quote.details.get("receiver_id")
    if receiver_id is None:
        return None
    found = looking.masked(session, config, members.by_id(session, receiver_id))
    return " ".join(part for part in (found.personal.get("name"), found.phone) if part) or masks.STARS


def right(session: Session, config: Config, quote: Quote, code: str | None, at: datetime) -> bool:
    """Whether the quote may be confirmed: no gift, the right code, or it was confirmed before. Commit in either case: a
    wrong code is counted.
    """
    if "receiver_id" not in quote.details or _used(session, quote):
        return True
    taken = code is not None and one_time_codes.take(session, _scope(quote), code, config.secret_key, at)
    return taken or _used(
        session, quote
    )  # of two at once with one code the second finds what the first has done


def _used(session: Session, quote: Quote) -> bool:
    return redemptions.of_quote(session, quote.member_id, quote.quote_id) is not None


def _scope(quote: Quote) -> str:
    return f"voucher-gift:{quote.member_id}:{quote.quote_id}"
