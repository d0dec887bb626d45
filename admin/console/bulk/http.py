"""One deed for several rows of a list: each row by the same rule as alone, in a transaction of its own, with its own outcome.

What one row refuses leaves the others done. The form's key counts row by row: sent again, nothing is done twice, and rows
that were refused are tried again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from base import database, idempotency, seals
from base.auth.guard import current
from base.errors import OverLimit, Problem, field_errors
from base.http.problems import body_of, status_of
from base.http.settings import config
from base.web.i18n import gettext as _

MOST = 200
APART = frozenset({"csrf_token", "key", "chosen"})


class TooManyRows(OverLimit):
    """At most 200 rows are dealt with at once."""

    zh = "一次最多处理 200 行。"


@dataclass(frozen=True)
class Outcome:
    """Of a row, named by its public id: done, or the problem that refused it (title, what to do next)."""

    id: str
    problem: dict[str, Any] | None


def each(member_of: Callable[[str], int], deed: Callable[[Session, str], Any]) -> list[Outcome]:
    """Do the deed for every chosen row; `member_of` tells whose row an id names. Invalid: none is chosen; TooManyRows."""
    chosen = list(dict.fromkeys(request.form.getlist("chosen")))
    key = idempotency.checked(request.form.get("key"))
    if not chosen:
        raise field_errors({"chosen": _("Choose at least one row.")})
    if len(chosen) > MOST:
        raise TooManyRows(most=MOST)
    return [_one(row, key, member_of, deed) for row in chosen]


def _one(row: str, key: str, member_of: Callable[[str], int], deed: Callable[[Session, str], Any]) -> Outcome:
    said = {name: text for name, text in sorted(request.form.items()) if name not in APART}
    # Of what was written, a reason maybe, only a keyed digest is kept.
    asked = {
        "page": request.path,
        "row": row,
        "form": seals.blind(config().secret_key, "words", str(said)).hex(),
    }

    def effect(session: Session) -> tuple[int, Any]:
        deed(session, row)
        return 303, row

    try:
        member_id = member_of(row)
        with database.begin() as session:
            idempotency.once(
                session, member_id, current().actor, f"{key}:{row}", asked, lambda: effect(session)
            )
    except Problem as problem:
        return Outcome(row, body_of(problem, status_of(type(problem))))
    return Outcome(row, None)
