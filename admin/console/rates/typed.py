"""What is typed into the table of rates as the rows of a proposal: of the table only what is changed. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from admin.console.rates.grid import Line
from base.money import parse_yuan, yuan_text
from base.web.i18n import gettext as _
from catalog.rates.models import Rate

SPARE, MOST_SHOWN = 3, 200
SCOPE = ("offer", "kind", "tier", "area")
OF_ROW = ("points", "per_fen", *SCOPE)


@dataclass
class Typed:
    """The rows in the words of a proposal, each with its number in the table; what is wrong, by field of the form."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)


def shown(lines: Iterable[Line], codes: Mapping[int | None, str]) -> list[dict[str, str]]:
    """The table as it is before anything is typed: a row for each scope that has a rate, and some to add one."""
    found = [
        {
            "offer": codes.get(line.scope.offer_id, ""), "kind": line.scope.kind or "", "tier": line.scope.tier or "",
            "area": line.scope.area, "points": str(line.now.points), "per": yuan_text(line.now.per_fen),
            "was": _was(line.now),
        }
        for line in lines
        if line.now is not None
    ]  # fmt: skip
    blank = dict.fromkeys((*SCOPE, "points", "per", "was"), "")
    return [*found[:MOST_SHOWN], *(dict(blank) for _row in range(SPARE))]


def typed_rows(form: Mapping[str, str]) -> list[dict[str, str]]:
    """The table as it was typed."""
    found: list[dict[str, str]] = []
    while f"points.{len(found)}" in form and len(found) < MOST_SHOWN + SPARE:
        names = (*SCOPE, "points", "per", "was", "ends")
        found.append({name: form.get(f"{name}.{len(found)}", "").strip() for name in names})
    return found


def read(form: Mapping[str, str]) -> Typed:
    """The rows that differ from what holds."""
    found = Typed()
    days = {name: _day(form, name, found.wrong) for name in ("from_day", "until_day")}
    if not form.get("from_day", "").strip():
        found.wrong["from_day"] = _("From which day on?")
    for number, row in enumerate(typed_rows(form)):
        said = _said(number, row, found.wrong)
        if said is not None:
            found.rows.append(said | days)
            found.numbers.append(number)
    if not found.rows and not found.wrong:
        found.wrong["rows"] = _("Nothing is changed in the table.")
    return found


def _said(number: int, row: Mapping[str, str], wrong: dict[str, str]) -> dict[str, Any] | None:
    """A row in the words of a proposal; None where nothing is changed in it."""
    scope = {name: row[name] or None for name in SCOPE} | {"area": row["area"]}
    if row.get("ends"):
        return scope | {"points": None, "per_fen": None}
    if not row["was"] and not any(row[name] for name in (*SCOPE, "points", "per")):
        return None
    points, per_fen = row["points"], _fen(row["per"])
    if not (points.isascii() and points.isdigit() and len(points) <= 10 and int(points)):
        wrong[f"points.{number}"] = _("A whole number from 1 on.")
    if per_fen is None or per_fen < 1:
        wrong[f"per.{number}"] = _("An amount in yuan, as 12.50.")
    if f"points.{number}" in wrong or f"per.{number}" in wrong:
        return None
    if row["was"] == f"{int(points)}/{per_fen}":
        return None
    return scope | {"points": int(points), "per_fen": per_fen}


def _was(rate: Rate) -> str:
    return f"{rate.points}/{rate.per_fen}"


def _fen(text: str) -> int | None:
    try:
        return parse_yuan(text)
    except ValueError:
        return None


def _day(form: Mapping[str, str], name: str, wrong: dict[str, str]) -> str | None:
    text = form.get(name, "").strip()
    try:
        return date.fromisoformat(text).isoformat() if text else None
    except ValueError:
        wrong[name] = _("Days are written as 2026-12-24.")
        return None
