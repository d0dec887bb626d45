"""Signing in on the merchant's pages: merchant code, number, and password (managers: PIN), with limits on guessing."""

from datetime import timedelta

from sqlalchemy import select

from base import clock, database
from base.auth import guesses, passwords, sign_ins
from base.auth.guesses import Limit
from base.errors import NotSignedIn
from merchants.models import CLOSED, Merchant
from merchants.terminals.models import CLERK, ClerkRow

LIMIT = Limit(tries=5, window=timedelta(minutes=15))
OF_A_DAY = Limit(tries=20, window=timedelta(days=1))  # a PIN of six digits is open to the whole network here


class MerchantSignInRefused(NotSignedIn):
    """Merchant code, number or password is not right."""

    zh = "商户代码、工号或密码不正确。"
    next_en = "Check them and try again; clerks sign in at a till."
    next_zh = "请核对后重试；店员请在收银台登录。"


def begin(code: str, number: str, secret: str) -> str:
    """The token of a right sign-in; MerchantSignInRefused, TooManyGuesses. Opens its own transaction."""
    at, scope = clock.now(), f"merchant:{code[:64]}:{number[:40]}"
    with database.begin() as session:
        for limit in (LIMIT, OF_A_DAY):
            guesses.check(session, scope, limit, at)
        person = session.scalar(
            select(ClerkRow)
            .join(Merchant, Merchant.merchant_id == ClerkRow.merchant_id)
            .where(
                Merchant.code == code,
                Merchant.state != CLOSED,
                ClerkRow.number == number,
                ClerkRow.role != CLERK,
                ClerkRow.ended_at.is_(None),
            )
        )
        if passwords.matches(person.pin_hash if person else None, secret) and person is not None:
            guesses.forget(session, scope)
            return sign_ins.begin(session, "merchant", person.clerk_id, at)
        guesses.wrong(session, scope, at)
    raise MerchantSignInRefused()
