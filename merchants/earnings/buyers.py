"""Who buys at a till: the member who has a number now. Whoever has none, and whoever may earn nothing, get one answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from base import clock, database
from base.auth import guesses
from base.auth.guesses import Limit
from base.config import Config
from base.errors import NotFound
from merchants.acceptances import Place
from points.lines import standing
from points.lines.matrix import Action
from points.members import members
from points.members.members import PHONE, BadPhone
from points.members.models import Member
from points.members.sign_in import secrets_of

WRONG = Limit(tries=20, window=timedelta(minutes=10))


class NobodyEarns(NotFound):
    """Nobody with this number earns points."""

    zh = "该号码无法获得积分。"
    next_en, next_zh = "Ask for the number again.", "请再次核对号码。"
    clerk_en, clerk_zh = "I can't find this number; may I have it again?", "没有找到这个号码，请再报一次。"
    then = "rescan"


def find(
    session: Session, config: Config, programme_id: int, phone: str, place: Place, at: datetime
) -> Member:
    """The member of a number whose line may earn: BadPhone, TooManyGuesses, NobodyEarns."""
    if not PHONE.fullmatch(phone):
        raise BadPhone()
    guesses.check(session, _scope(place), WRONG, at)
    found = members.by_phone(session, secrets_of(config), programme_id, phone)
    if found is None or not standing.allows(session, found.member_id, Action.EARN, at):
        raise NobodyEarns()
    return found


@contextmanager
def counting(place: Place) -> Iterator[None]:
    """Around the transaction: a number that led to nobody is counted in one of its own; so nobody tries numbers out at a till."""
    try:
        yield
    except NobodyEarns:
        with database.begin() as session:
            guesses.wrong(session, _scope(place), clock.now())
        raise


def _scope(place: Place) -> str:
    return f"earning:{place.terminal_id}"
