"""Words of tests about lines: tell an event, look at the line, the wallet, the messages."""

import itertools
from datetime import date, timedelta
from typing import Any

from base import clock, database
from base.config import Config
from base.notices import notices
from points import ledger
from points.lines import events
from points.lines.events import Taken
from points.lines.log import Told
from points.lines.states import LineState
from points.postings import Wallet
from tests.given import ZONE

_numbers = itertools.count(1)


def today() -> date:
    return clock.day(clock.now(), ZONE)


def days(number: int) -> timedelta:
    return timedelta(days=number)


def told(state: LineState, since: date | None = None, **more: Any) -> Told:
    values: dict[str, Any] = {"event_id": f"E{next(_numbers)}", "reason": "unpaid"} | more
    return Told(state=state, since=since or today(), **values)


def tell(config: Config, member_id: int, state: LineState, since: date | None = None, **more: Any) -> Taken:
    return tell_it(config, member_id, told(state, since, **more))


def tell_it(config: Config, member_id: int, event: Told) -> Taken:
    with database.begin() as session:
        return events.take(session, config, member_id, event, "service:test", clock.now())


def wallet(member_id: int) -> Wallet:
    with database.begin() as session:
        return ledger.read(session, member_id)


def messages(config: Config) -> list[str]:
    with database.begin() as session:
        return [one.text for one in notices.latest(session, config.seal_key)]
