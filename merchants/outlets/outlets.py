"""Outlets: added and changed by the merchant's owner or the operator's staff; area, address, hours."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import audit, ids
from base.errors import Conflict, field_errors
from merchants import merchants, scope
from merchants.models import Merchant, Outlet
from merchants.scope import Reach
from points.members import areas

MOST_OUTLETS = 2_000
MOST_SPANS = 14
TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00", re.ASCII)
SPAN = re.compile(r"([1-7])(?:-([1-7]))? (\S+)-(\S+)", re.ASCII)


class TooManyOutlets(Conflict):
    """A merchant has at most two thousand outlets here."""

    zh = "一个商户最多两千家门店。"


@dataclass(frozen=True)
class Wanted:
    """An outlet as it is added or changed. `area`: the code of its city or county."""

    names: dict[str, str]
    address: dict[str, str]
    area: str
    hours: list[dict[str, Any]] = field(default_factory=list)


def add(session: Session, merchant: Merchant, wanted: Wanted, actor: str) -> Outlet:
    """A shop more; BadArea, Invalid, TooManyOutlets, MerchantLeft."""
    _check(wanted)
    session.refresh(merchant, with_for_update=True)
    merchants.check_there(merchant)
    if len(merchants.outlets_of(session, merchant.merchant_id)) >= MOST_OUTLETS:
        raise TooManyOutlets()
    made = merchants.add_outlet(
        session, merchant, wanted.names, wanted.address, area=wanted.area, hours=wanted.hours
    )
    audit.write(session, actor, "outlet.added", public_id(made))
    return made


def change(session: Session, outlet: Outlet, wanted: Wanted, actor: str) -> Outlet:
    """Its names, address, area and hours from now on; BadArea, Invalid."""
    _check(wanted)
    outlet.names, outlet.address, outlet.area = wanted.names, wanted.address, wanted.area
    outlet.hours = wanted.hours
    audit.write(session, actor, "outlet.changed", public_id(outlet))
    return outlet


def listed(session: Session, reach: Reach, *, after: int = 0, limit: int) -> list[Outlet]:
    """The outlets in reach, in the order in which they came."""
    asked = scope.ours(reach, select(Outlet), Outlet.merchant_id, Outlet.outlet_id)
    return list(
        session.scalars(asked.where(Outlet.outlet_id > after).order_by(Outlet.outlet_id).limit(limit))
    )


def read_hours(text: str) -> list[dict[str, Any]]:
    """Hours as they are written, "1-5 09:00-21:00; 6-7 10:00-22:00" (1: Monday); Invalid."""
    spans = []
    for part in filter(None, (one.strip() for one in re.split("[;；\n]", text))):
        found = SPAN.fullmatch(part)
        if found is None:
            raise field_errors({"hours": f"not understood: {part[:40]}; for example 1-5 09:00-21:00"})
        first, last = int(found[1]), int(found[2] or found[1])
        spans.append({"days": list(range(first, last + 1)), "from": found[3], "until": found[4]})
    return spans


def written_hours(hours: Sequence[dict[str, Any]]) -> str:
    """The same as a text; days that do not follow each other stand one by one."""
    parts = []
    for span in hours:
        days = span["days"]
        runs = [days] if days == list(range(days[0], days[-1] + 1)) else [[day] for day in days]
        for run in runs:
            said = str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}"
            parts.append(f"{said} {span['from']}-{span['until']}")
    return "; ".join(parts)


def is_open(hours: Sequence[dict[str, Any]], local: datetime) -> bool:
    """Whether an outlet of these hours is open at a moment of its merchant's zone; without hours it always is."""
    minute, today = local.hour * 60 + local.minute, local.isoweekday()
    for span in hours:
        begins, ends = _minute(span["from"]), _minute(span["until"])
        over_night = ends <= begins
        if today in span["days"] and begins <= minute and (over_night or minute < ends):
            return True
        if over_night and (today - 2) % 7 + 1 in span["days"] and minute < ends:
            return True
    return not hours


def _minute(time: str) -> int:
    hour, minute = time.split(":")
    return int(hour) * 60 + int(minute)


def public_id(outlet: Outlet) -> str:
    return ids.public("out", outlet.outlet_id)


def _check(wanted: Wanted) -> None:
    areas.checked(wanted.area)
    if len(wanted.area) < 4:
        raise areas.BadArea("an outlet lies in a city or county", area=wanted.area)
    if len(wanted.hours) > MOST_SPANS:
        raise field_errors({"hours": f"at most {MOST_SPANS} spans"})
    for span in wanted.hours:
        days, times = span["days"], (span["from"], span["until"])
        if not days or sorted(set(days)) != days or not set(days) <= set(range(1, 8)):
            raise field_errors({"hours": "days are 1 (Monday) to 7, each once, in order"})
        if not all(TIME.fullmatch(time) for time in times) or times[0] in (times[1], "24:00"):
            raise field_errors({"hours": "from and until are HH:MM, and not the same"})
