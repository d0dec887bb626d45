"""What is typed in the editor and what the content of a draft says, each made out of the other. Pure.

What the page has no field for stays in the content as it is; what cannot be read is named with its field.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, date, datetime
from typing import Any

from admin.console.offer_drafts import parts
from admin.console.offer_drafts.parts import Part
from base import clock
from base.money import parse_yuan, yuan_text
from base.web.i18n import gettext as _
from catalog.offers.models import SERVICE, VOUCHER, Offer
from catalog.publishing import contents
from catalog.services.orders import OPERATOR
from catalog.vouchers import conditions
from catalog.vouchers import forms as vouchers

Values = dict[str, list[str]]
SPARE_ROWS = 1
MOST_ROWS = 60
NONE, SOME = "none", "some"


def shown(of: Iterable[Part], content: Mapping[str, Any], zone: str) -> Values:
    """What the fields say, as a browser would send it."""
    found: Values = {}
    for part in of:
        value = _there(content, part.path)
        if part.type == parts.ROWS:
            for number, row in enumerate(value or []):
                row = _row_shown(part, row)
                for column in part.columns:
                    found[f"{part.path}.{number}.{column.path}"] = _told(column, row.get(column.path), zone)
        elif part.type == parts.AMOUNT:
            known = part.path in content
            found[f"{part.path}.is"] = [(SOME if value is not None else NONE) if known else ""]
            found[part.path] = [] if value is None else [str(value)]
        else:
            found[part.path] = _told(part, value, zone)
    return found


def rows(part: Part, values: Values) -> range:
    """How many rows a field shows: those that say something, and one more."""
    said = [
        int(number)
        for name, (*_text,) in values.items()
        if name.startswith(f"{part.path}.") and (number := name[len(part.path) + 1 :].split(".")[0]).isdigit()
        and any(_text)
    ]  # fmt: skip
    return range(min(max(said, default=-1) + 1 + SPARE_ROWS, MOST_ROWS))


def read(kind: str, of: Iterable[Part], values: Values, content: Mapping[str, Any], zone: str) -> tuple[dict[str, Any], dict[str, str]]:  # fmt: skip
    """The values to be written into the content, and what cannot be read, by field."""
    new, wrong, touched = deepcopy(dict(content)), dict[str, str](), list[str]()
    for part in of:
        if part.type == parts.AMOUNT:
            _amount(part, values, new, wrong)
        elif part.type == parts.ROWS:
            _put(new, part.path, _rows(part, values, zone, wrong))
        else:
            try:
                _put(new, part.path, _read(part, values.get(part.path, []), zone))
            except ValueError as error:
                wrong[part.path] = str(error)
        touched.append(part.root)
    _settle(kind, new)
    roots = [*dict.fromkeys(touched), *(("form", "value_fen") if kind == VOUCHER else ())]
    if kind == SERVICE and "form" in new:
        roots.append("form")
    return {root: new.get(root) for root in roots if root != "stock" or "stock" in new}, wrong


def _settle(kind: str, content: dict[str, Any]) -> None:
    """What follows from what was said: of a voucher its type and what it comes to, of a service who gives it."""
    form = content.get("form") or {}
    if kind == SERVICE and form:
        content["form"] = form | {"provider": OPERATOR}
    if kind != VOUCHER or not form:
        return
    type_ = form.get("type") or vouchers.VALUE
    allowed = vouchers.PARTS.get(type_, {}).keys() | conditions.PARTS.keys()
    rest = {name: value for name, value in form.items() if name in allowed and name != "type"}
    content["form"] = {"type": type_} | rest if rest or form.get("type") else {}
    if type_ != vouchers.VALUE and vouchers.PARTS.get(type_, {}).keys() <= content["form"].keys():
        content["value_fen"] = vouchers.worth_fen(Offer(form=content["form"]))


def _told(part: Part, value: Any, zone: str) -> list[str]:
    if value is None or (value is False and part.type != parts.YES_NO):
        return []
    if part.type == parts.YES_NO:
        return ["yes" if value else "no"]
    if part.type == parts.TICK:
        return ["1"]
    if part.type == parts.YUAN:
        return [yuan_text(value)]
    if part.type == parts.MOMENT:
        at = contents.moment(value)
        return [f"{at.astimezone(clock.zone(zone)):%Y-%m-%dT%H:%M}"] if at else []
    if part.type in (parts.TICKS, parts.NUMBER_TICKS, parts.PICTURES):
        return [str(one) for one in value]
    if part.type == parts.YUANS:
        return [", ".join(yuan_text(one) for one in value)]
    if part.type in (parts.CODES, parts.NUMBERS):
        return [", ".join(str(one) for one in value)]
    if part.type == parts.DAYS:
        return ["\n".join(value)]
    return [str(value)]


def _read(part: Part, typed: Sequence[str], zone: str) -> Any:
    """One field's value, None where nothing was said; ValueError with what is wrong."""
    if part.type in (parts.TICKS, parts.PICTURES):
        return [one for one in typed if one] or None
    if part.type == parts.NUMBER_TICKS:
        return [_whole(one) for one in typed] or None
    text = (typed[0] if typed else "").replace("\r\n", "\n").strip()
    if not text:
        return None
    if len(text) > max(part.most, 40):
        raise ValueError(_("At most %(number)s characters.", number=part.most))
    reader = _READERS.get(part.type)
    return reader(text, zone) if reader else text


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise ValueError(_("A whole number, please."))
    return int(text)


def _yuan(text: str) -> int:
    try:
        return parse_yuan(text)
    except ValueError:
        raise ValueError(_("An amount in yuan, as 12.50.")) from None


def _moment(text: str, zone: str) -> str:
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(_("A day and a time, please.")) from None
    return local.replace(tzinfo=clock.zone(zone)).astimezone(UTC).isoformat()


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError(_("Days are written as 2026-12-24.")) from None


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.replace("，", ",").replace("、", ",").split(",") if one.strip()]


_READERS: dict[str, Callable[[str, str], Any]] = {
    parts.WHOLE: lambda said, _zone: _whole(said),
    parts.YUAN: lambda said, _zone: _yuan(said),
    parts.MOMENT: _moment,
    parts.DAY: lambda said, _zone: _day(said),
    parts.YES_NO: lambda said, _zone: said == "yes",
    parts.TICK: lambda said, _zone: True,
    parts.CODES: lambda said, _zone: _split(said) or None,
    parts.NUMBERS: lambda said, _zone: [_whole(one) for one in _split(said)] or None,
    parts.YUANS: lambda said, _zone: [_yuan(one) for one in _split(said)] or None,
    parts.DAYS: lambda said, _zone: [_day(one.strip()) for one in said.split("\n") if one.strip()] or None,
}


def _rows(part: Part, values: Values, zone: str, wrong: dict[str, str]) -> list[dict[str, Any]] | None:
    found = []
    for number in rows(part, values):
        row: dict[str, Any] = {}
        for column in part.columns:
            name = f"{part.path}.{number}.{column.path}"
            try:
                value = _read(column, values.get(name, []), zone)
            except ValueError as error:
                wrong[name] = str(error)
                continue
            if value is not None:
                row[column.path] = value
        if row := _row_read(part, row):
            found.append(row)
    return found or None


def _row_shown(part: Part, row: Mapping[str, Any]) -> dict[str, Any]:
    if part.path == "limits" and isinstance(row.get("per"), Mapping):
        return dict(row) | {"per": "days", "days": row["per"].get("days")}
    return dict(row)


def _row_read(part: Part, row: dict[str, Any]) -> dict[str, Any]:
    """A row as the rules read it; empty where its first field says nothing (a choice alone is no row)."""
    if part.path == "limits":
        if "most" not in row:
            return {}
        days = row.pop("days", None)
        return row | ({"per": {"days": days}} if row.get("per") == "days" else {})
    return row


def _amount(part: Part, values: Values, content: dict[str, Any], wrong: dict[str, str]) -> None:
    which = (values.get(f"{part.path}.is") or [""])[0]
    if which == NONE:
        content[part.path] = None
    elif which == SOME:
        try:
            content[part.path] = _whole((values.get(part.path) or [""])[0].strip())
        except ValueError as error:
            wrong[part.path] = str(error)


def _there(content: Mapping[str, Any], path: str) -> Any:
    found: Any = content
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _put(content: dict[str, Any], path: str, value: Any) -> None:
    """Write a value where its path leads; None takes it away, and what is empty then with it."""
    name, _dot, rest = path.partition(".")
    if rest:
        inner = dict(content.get(name) or {})
        _put(inner, rest, value)
        value = inner or None
    if value is None:
        content.pop(name, None)
    else:
        content[name] = value
