"""Opening hours of an outlet in words: days that follow each other together, hours as the clock on the wall says them."""

from collections.abc import Sequence
from typing import Any

from babel.dates import get_day_names

from app.member.frame import _
from base.web.i18n import locale

WEEK = 7


def said(hours: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each span, as the outlet gave them: "Mon to Fri 09:00-21:00"; none where it gave none."""
    return [_span(one) for one in hours]


def _span(span: dict[str, Any]) -> str:
    words = {"days": _days(span["days"]), "begins": span["from"], "ends": span["until"]}
    if span["until"] <= span["from"]:
        return _("%(days)s %(begins)s to %(ends)s of the day after", **words)
    return _("%(days)s %(begins)s–%(ends)s", **words)


def _days(days: list[int]) -> str:
    if len(days) == WEEK:
        return _("Every day")
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return _(", ").join(_run(run) for run in runs)


def _run(run: list[int]) -> str:
    names = get_day_names("abbreviated", "stand-alone", locale())
    first, last = names[run[0] - 1], names[run[-1] - 1]
    return first if first == last else _("%(first)s to %(last)s", first=first, last=last)
