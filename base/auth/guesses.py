"""Guess limits: wrong tries are counted in the database, in short transactions of their own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from base import ids, seals
from base.auth.models import Guess
from base.config import Config
from base.errors import TooMany


@dataclass(frozen=True)
class Limit:
    """At most `tries` wrong tries within `window`."""

    tries: int
    window: timedelta


class TooManyGuesses(TooMany):
    """Too many wrong tries; this is locked for a while."""

    zh = "错误次数过多，已暂时锁定。"
    clerk_en = "This till must wait a while; the next one can help you."
    clerk_zh = "这台收银机需要稍等，请到旁边的收银台。"
    then = "wait"


def of_source(config: Config, purpose: str, source: str) -> str:
    """The scope of a network address, or of a newer one of the network that one household has; never kept readable."""
    try:
        address = ip_address(source)
        if address.version == 6:
            source = str(ip_network(f"{address}/64", strict=False))
    except ValueError:
        source = "unknown"
    return f"{purpose}:{seals.blind(config.secret_key, purpose, source).hex()[:32]}"


def check(session: Session, scope: str, limit: Limit, at: datetime) -> None:
    """TooManyGuesses, with the seconds to wait, when the scope is over its limit."""
    count, first = session.execute(
        select(func.count(), func.min(Guess.at)).where(Guess.scope == scope, Guess.at > at - limit.window)
    ).one()
    if count >= limit.tries:
        raise TooManyGuesses(retry_after_s=max(1, int((first + limit.window - at).total_seconds())))


def wrong(session: Session, scope: str, at: datetime) -> None:
    """Count one wrong try."""
    session.add(Guess(guess_id=ids.new_id(), scope=scope, at=at))


def forget(session: Session, scope: str) -> None:
    """After a right try the count starts anew."""
    session.execute(delete(Guess).where(Guess.scope == scope))
