"""What the pages of merchants stand on: the fields of their forms, a deed done once for a form's key."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from base import database, idempotency
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current
from base.errors import field_errors
from base.web.i18n import gettext as _


def once(asked: Any, effect: Callable[[Session], Any]) -> Any:
    """Do it once for the form's key, whatever it gives."""
    key = idempotency.checked(request.form.get("key"))
    with database.begin() as session:
        answer = idempotency.once(
            session, NO_MEMBER, current().actor, key, asked, lambda: (303, effect(session))
        )
    return answer.body


def text(name: str, most: int) -> str:
    """A field of the form, 1 to `most` printable characters; Invalid."""
    value = request.form.get(name, "").strip()
    if not 0 < len(value) <= most or not value.isprintable():
        raise field_errors({name: _("must be 1 to %(most)s printable characters", most=most)})
    return value


def text_or_none(name: str, most: int) -> str:
    """The same, but that it may be empty."""
    return text(name, most) if request.form.get(name, "").strip() else ""


def whole(name: str, least: int, most: int) -> int:
    """A whole number of the form; Invalid."""
    value = request.form.get(name, "").strip()
    if not (value.isascii() and value.isdigit() and len(value) <= 15 and least <= int(value) <= most):
        raise field_errors({name: _("a whole number from %(least)s to %(most)s", least=least, most=most)})
    return int(value)


def whole_or_none(name: str, most: int) -> int | None:
    """The same from 0 on; None where the field is empty."""
    return whole(name, 0, most) if request.form.get(name, "").strip() else None


def day(name: str) -> date:
    """A day of the form; Invalid."""
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise field_errors({name: _("a day, as 2026-01-31")}) from None


def day_or_none(name: str) -> date | None:
    """The same; None where the field is empty."""
    return day(name) if request.form.get(name, "").strip() else None


def chosen(name: str, choices: tuple[str, ...]) -> str:
    """One of some choices, the first where the form has no such field; Invalid."""
    value = request.form.get(name, choices[0])
    if value not in choices:
        raise field_errors({name: _("not one of the choices")})
    return value
