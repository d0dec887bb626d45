"""The form of a campaign: its fields as what the merchant asks for, and back; what is wrong beside the field that it is about."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from flask import request

from base import errors
from base.errors import Problem, field_errors
from base.money import parse_yuan, yuan_text
from base.web.i18n import current_language
from base.web.i18n import gettext as _
from catalog.campaigns.models import HOLIDAY, MEMBER_DAY
from catalog.campaigns.wanted import PERS, Wanted

LANGUAGES = {"zh": "zh-CN", "en": "en"}
MOST_CLOSED, MOST_WHOLE = 20, 10**9
DAYS = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\s*(?:-|~|/|至|to)\s*([0-9]{4}-[0-9]{2}-[0-9]{2}))?")
# Where in the form the parts of an offer's document are.
FIELDS = {
    "names.zh-CN": "name_zh", "names.en": "name_en", "texts.zh-CN": "text_zh", "texts.en": "text_en", "names": "name_zh",
    "texts": "text_zh", "value_fen": "value", "from_at": "first_day", "until_at": "last_day", "merchant_bp": "share",
    "pictures": "picture", "limits": "most", "member_days": "weekdays", "form.merchant_bp": "share", "form.closed": "closed",
}  # fmt: skip


def read(picture: Callable[[bytes], str]) -> Wanted:
    """What the form says; Invalid names every field that cannot be read. `picture` keeps one and gives its hash."""
    form = _Form()
    kind = request.form.get("kind", "")
    values: dict[str, Any] = {
        "kind": kind,
        "names": form.both("name", 60),
        "texts": form.both("text", 1_000),
        "value_fen": form.taken("value", _fen),
        "voucher_days": form.taken("voucher_days", _whole),
        "stock": form.maybe("stock", _whole),
        "most": form.maybe("most", _whole),
        "per": request.form.get("per", PERS[0]),
        "merchant_bp": form.maybe("share", _share),
        "wished_points": form.maybe("wished_points", _whole),
        "first_day": form.taken("first_day", _date) if kind == HOLIDAY else form.maybe("first_day", _date),
        "last_day": form.taken("last_day", _date) if kind == HOLIDAY else form.maybe("last_day", _date),
        "weekdays": form.weekdays("weekdays") if kind == MEMBER_DAY else (),
        "days": (form.maybe("days", _month_days) or ()) if kind == MEMBER_DAY else (),
        "use_weekdays": form.weekdays("use_weekdays"),
        "closed": form.maybe("closed", _closed) or (),
        "outlets": tuple(dict.fromkeys(request.form.getlist("outlets"))),
    }
    if form.wrong:
        raise field_errors(form.wrong)
    return Wanted(**values, picture=_picture(picture))


def shown(asked: Wanted) -> dict[str, Any]:
    """A campaign as the fields of the form."""
    return {
        "kind": asked.kind,
        "name_zh": asked.names["zh-CN"],
        "name_en": asked.names["en"],
        "text_zh": asked.texts["zh-CN"],
        "text_en": asked.texts["en"],
        "value": yuan_text(asked.value_fen),
        "voucher_days": asked.voucher_days,
        "stock": asked.stock or "",
        "most": asked.most or "",
        "per": asked.per,
        "share": yuan_text(asked.merchant_bp) if asked.merchant_bp else "",
        "wished_points": asked.wished_points or "",
        "first_day": asked.first_day or "",
        "last_day": asked.last_day or "",
        "weekdays": [str(one) for one in asked.weekdays],
        "days": ", ".join(map(str, asked.days)),
        "use_weekdays": [str(one) for one in asked.use_weekdays],
        "closed": "\n".join(str(a) if a == b else f"{a} - {b}" for a, b in asked.closed),
        "outlets": list(asked.outlets),
        "kept_picture": asked.picture or "",
    }


def typed() -> dict[str, Any]:
    """What was typed, to be shown again."""
    several = ("weekdays", "use_weekdays", "outlets")
    return request.form.to_dict() | {name: request.form.getlist(name) for name in several}


def by_field(problem: Problem) -> dict[str, str]:
    """What is wrong, by the field of the form that it is about; nothing where it is about none."""
    if "field" not in problem.facts and "errors" not in problem.facts:
        return {}
    language = current_language()
    titles = {f"/problems/{one.type_name()}": one.title(language) for one in errors.every_problem()}
    found = {
        _place(one["pointer"].lstrip("/").replace("/", ".")): titles.get(one.get("type", ""), one["detail"])
        for one in problem.facts.get("errors", ())
    }
    return found or {_place(str(problem.facts["field"])): problem.title(language)}


def _place(field: str) -> str:
    return FIELDS.get(field, FIELDS.get(field.partition(".")[0], field))


class _Form:
    """The fields of the request, with what is wrong collected."""

    def __init__(self) -> None:
        self.wrong: dict[str, str] = {}

    def both(self, name: str, most: int) -> dict[str, str]:
        """A text in both languages; how long it may be is asked of every offer alike."""
        found = {}
        for short, language in LANGUAGES.items():
            told = request.form.get(f"{name}_{short}", "").replace("\r\n", "\n").strip()
            if not told or len(told) > most:
                self.wrong[f"{name}_{short}"] = str(
                    _("must be 1 to %(most)s printable characters", most=most)
                )
            found[language] = told
        return found

    def taken(self, name: str, reading: Callable[[str], Any]) -> Any:
        """A field that is needed; None where it cannot be read."""
        try:
            return reading(request.form.get(name, "").strip())
        except ValueError as reason:
            self.wrong[name] = str(reason)
            return None

    def maybe(self, name: str, reading: Callable[[str], Any]) -> Any:
        """A field that may be empty: None then."""
        return self.taken(name, reading) if request.form.get(name, "").strip() else None

    def weekdays(self, name: str) -> tuple[int, ...]:
        told = set(request.form.getlist(name)) & set("1234567")
        return tuple(sorted(int(one) for one in told))


def _fen(told: str) -> int:
    try:
        fen = parse_yuan(told)
    except ValueError:
        fen = 0
    if fen <= 0:
        raise ValueError(_("must be an amount of at least 0.01, with two decimals at most"))
    return fen


def _share(told: str) -> int:
    """12.5 per cent as basis points: an amount with two decimals reads the same way."""
    try:
        found = parse_yuan(told)
    except ValueError:
        found = -1
    if not 0 <= found <= 10_000:
        raise ValueError(_("must be a percentage from 0 to 100, with two decimals at most"))
    return found


def _whole(told: str) -> int:
    if not (told.isascii() and told.isdigit()) or len(told) > 10 or not 1 <= int(told) <= MOST_WHOLE:
        raise ValueError(_("must be a whole number of at least 1"))
    return int(told)


def _date(told: str) -> date:
    try:
        return date.fromisoformat(told)
    except ValueError:
        raise ValueError(_("must be a date")) from None


def _month_days(told: str) -> tuple[int, ...]:
    parts = re.split(r"[,，、\s]+", told.strip(",，、 "))
    if not all(part.isascii() and part.isdigit() and 1 <= int(part) <= 31 for part in parts):
        raise ValueError(_("must be days of the month, 1 to 31, with commas between them"))
    return tuple(sorted({int(part) for part in parts}))


def _closed(told: str) -> tuple[tuple[date, date], ...]:
    found = []
    for line in filter(None, map(str.strip, told.splitlines())):
        read = DAYS.fullmatch(line)
        if read is None:
            raise ValueError(_("each line must be a date, or two of them: 2026-10-01 - 2026-10-07"))
        first = _date(read[1])
        last = _date(read[2]) if read[2] else first
        if last < first:
            raise ValueError(_("each line must be a date, or two of them: 2026-10-01 - 2026-10-07"))
        found.append((first, last))
    if len(found) > MOST_CLOSED:
        raise ValueError(_("at most %(most)s lines", most=MOST_CLOSED))
    return tuple(dict.fromkeys(found))


def _picture(keep: Callable[[bytes], str]) -> str | None:
    file = request.files.get("picture")
    if file is None or not file.filename:
        return request.form.get("kept_picture") or None
    return keep(file.stream.read())
