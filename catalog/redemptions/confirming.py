"""Some redemptions are confirmed with a code that goes to the member's own number: for this very quote, once.

Gifts always are. Others where much goes at once or within a day, on a device that the member is not known by yet, or when the
number was changed within the last day. The message names offer, points and merchant, so that whoever is asked for the code on
the phone hears what it would do. How much a day adds up to is asked once more behind the wallet's lock, by redeeming itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import database
from base.auth import guesses, one_time_codes
from base.auth.guesses import Limit
from base.config import Config
from base.errors import Conflict, Invalid
from base.notices.templates import Facts
from catalog.gifts.giving import GiftNotConfirmed
from catalog.offers import offers
from catalog.redemptions import day_limit, redemptions
from catalog.redemptions.day_limit import CodeNeeded
from catalog.redemptions.models import Quote, StepUp
from merchants import merchants
from points.members import devices, masks, members
from points.members.sign_in import secrets_of
from points.notices import telling
from points.people import looking

CODES = Limit(tries=20, window=timedelta(days=1))  # sent to one member
WRONG = Limit(tries=10, window=timedelta(hours=1))  # of one member
FROM_ONE_PLACE = Limit(
    tries=60, window=timedelta(hours=1)
)  # sent or wrong, from an address that many may share
GIFT, VALUE, DEVICE, NUMBER = "gift", "value", "device", "number"
OURS = {"zh-CN": "运营商自有权益", "en": "the operator's own"}


class NoNumberForCode(Conflict):
    """There is no number that a code could be sent to."""

    zh = "没有可接收验证码的手机号码。"
    next_en, next_zh = "Ask support to enter your number.", "请联系客服登记您的号码。"


class NoCodeNeeded(Conflict):
    """This quote is confirmed without a code."""

    zh = "该报价无需验证码。"
    next_en, next_zh = "Confirm it as it is.", "可直接确认兑换。"


class CodeNotRight(Invalid):
    """This code is not right, has run out, or was sent for something else."""

    zh = "验证码不正确、已过期，或不是为本次兑换发送的。"
    next_en, next_zh = (
        "Check the code in the newest message, or ask for another one.",
        "请核对最新短信，或重新获取验证码。",
    )


@dataclass(frozen=True)
class Asker:
    """Where somebody confirms: the digest of the sign-in (None: the operator's app vouches), and the network address."""

    sign_in: bytes | None
    source: str


class Proof(Enum):
    """What a confirmation brings: nothing, for nothing is asked; the right code; a wrong one."""

    NOT_ASKED = "not asked"
    CODE = "code"
    WRONG = "wrong"


def why(session: Session, config: Config, quote: Quote, asker: Asker, at: datetime) -> str | None:
    """Why this quote needs a code where it is confirmed; None: it needs none, as things stand."""
    reason = _alone(session, config, quote, asker, at)
    if reason is None and day_limit.is_over(session, day_limit.of(config), quote, at):
        return VALUE
    return reason


def _alone(session: Session, config: Config, quote: Quote, asker: Asker, at: datetime) -> str | None:
    """The same without what a day adds up to, which redeeming counts behind the wallet's lock."""
    if "receiver_id" in quote.details:
        return GIFT
    if quote.price_points > config.code_above_points or quote.value_fen > config.code_above_fen:
        return VALUE
    values = {"sign_in": asker.sign_in, "who": _who(quote), "day_ago": at - timedelta(days=1)}
    (found,) = database.rows(session, _STRANGE, values)
    if found.renumbered:
        return NUMBER
    return DEVICE if found.strange else None


_STRANGE = """
select exists (select from sign_in where token_digest = %(sign_in)s and trusted_at is null) strange,
  exists (select from phone p where p.member_id = %(who)s and p.since > %(day_ago)s and p.until is null
    and exists (select from phone o where o.member_id = p.member_id and o.since < p.since)) renumbered
"""


def send(session: Session, config: Config, quote: Quote, at: datetime) -> dict[str, str | None] | None:
    """Send the code of a quote of a gift; number and name of the receiver, masked. None: it is no gift.

    NoNumberForCode, TooManyGuesses (too many codes in a day).
    """
    receiver_id = quote.details.get("receiver_id")
    if receiver_id is None:
        return None
    found = looking.masked(session, config, members.by_id(session, receiver_id))
    facts: Facts = {"receiver": found.phone or masks.STARS}
    _send(session, config, quote, "voucher-gift-code", facts, at)
    return {"number": found.phone, "name": found.personal.get("name")}


def send_again(session: Session, config: Config, quote: Quote, asker: Asker, at: datetime) -> str:
    """Send the code that a quote needs, a first time or once more; the number it went to, masked.

    NoCodeNeeded, NoNumberForCode, TooManyGuesses.
    """
    place = _place(config, asker)
    guesses.check(session, place, FROM_ONE_PLACE, at)
    guesses.wrong(session, place, at)
    reason = why(session, config, quote, asker, at)
    if reason is None:
        raise NoCodeNeeded()
    if reason == GIFT:
        send(session, config, quote, at)
    else:
        merchant_id = offers.version(session, quote.version_id).merchant_id
        merchant = merchants.by_id(session, merchant_id).names if merchant_id else OURS
        facts: Facts = {"points": quote.price_points, "merchant": merchant}
        _send(session, config, quote, "step-up-code", facts, at)
    return masks.phone(members.phone_of(session, secrets_of(config), _who(quote))) or masks.STARS


def is_out(session: Session, quote: Quote, at: datetime) -> bool:
    """Whether a code for this quote was sent that can still be taken."""
    return one_time_codes.is_out(session, _scope(quote), at)


def receiver(session: Session, config: Config, quote: Quote) -> str | None:
    """Whom a quote of a gift is for, masked; None: it is no gift."""
    receiver_id = quote.details.get("receiver_id")
    if receiver_id is None:
        return None
    found = looking.masked(session, config, members.by_id(session, receiver_id))
    return " ".join(part for part in (found.personal.get("name"), found.phone) if part) or masks.STARS


def proof(
    session: Session, config: Config, quote: Quote, code: str | None, asker: Asker, at: datetime
) -> Proof:
    """Whether the quote may be confirmed: no code is asked, it is right, or the quote was confirmed before.

    Commit unless it raises: a wrong code is counted. CodeNeeded where one is asked and none came; TooManyGuesses.
    """
    reason = _alone(session, config, quote, asker, at)
    if code is None and reason is None:
        return Proof.NOT_ASKED
    if _used(session, quote):
        return Proof.NOT_ASKED
    if code is None and reason == GIFT:
        return Proof.WRONG
    if code is None:
        raise CodeNeeded(why=reason)
    counted = f"step-up:{_who(quote)}"
    guesses.check(session, counted, WRONG, at)
    guesses.check(session, _place(config, asker), FROM_ONE_PLACE, at)
    if one_time_codes.take(session, _scope(quote), code, config.secret_key, at):
        _keep(session, quote, reason or VALUE, asker, at)
        return Proof.CODE
    if _used(session, quote):  # of two at once with one code the second finds what the first has done
        return Proof.NOT_ASKED
    guesses.wrong(session, counted, at)
    guesses.wrong(session, _place(config, asker), at)
    return Proof.WRONG


def refusal(quote: Quote) -> Invalid:
    """What a wrong code is answered with, once it is counted."""
    return (GiftNotConfirmed if "receiver_id" in quote.details else CodeNotRight)(field="code")


def _keep(session: Session, quote: Quote, reason: str, asker: Asker, at: datetime) -> None:
    row = {"member_id": quote.member_id, "quote_id": quote.quote_id, "at": at, "why": reason}
    session.execute(insert(StepUp).values(row).on_conflict_do_nothing())
    devices.trust(session, _who(quote), asker.sign_in, at)


def _send(session: Session, config: Config, quote: Quote, template: str, more: Facts, at: datetime) -> None:
    who = _who(quote)
    sent = f"redeem-codes:{who}"
    guesses.check(session, sent, CODES, at)
    guesses.wrong(session, sent, at)
    if members.phone_of(session, secrets_of(config), who) is None:
        raise NoNumberForCode()
    code = one_time_codes.make(session, _scope(quote), config.secret_key, at)
    facts: Facts = {
        "code": code,
        "offer": offers.version(session, quote.version_id).names,
        "minutes": one_time_codes.LIFE // timedelta(minutes=1),
        **more,
    }
    telling.tell(session, config, who, template, facts)


def _used(session: Session, quote: Quote) -> bool:
    return redemptions.of_quote(session, quote.member_id, quote.quote_id) is not None


def _who(quote: Quote) -> int:
    """Whose number the code goes to: who redeems, also with a group's points."""
    return quote.spender_id or quote.member_id


def _scope(quote: Quote) -> str:
    return f"redeem:{quote.member_id}:{quote.quote_id}"


def _place(config: Config, asker: Asker) -> str:
    return guesses.of_source(config, "redeem-from", asker.source)
