"""What the developer's pages have in common: whose they are, one deed for each form, refusals above the page."""

from collections.abc import Callable
from typing import Any

from flask import Response, make_response, request
from sqlalchemy.orm import Session

from app.merchant import frame
from base import database, idempotency
from base.auth.guard import current
from base.auth.principals import MerchantPerson
from base.errors import Problem, Unavailable
from base.http.problems import status_of
from base.web.i18n import current_language

NO_MEMBER = 0


def person() -> MerchantPerson:
    """The person of a merchant who is signed in."""
    found = current()
    assert isinstance(found, MerchantPerson)
    return found


def page(template: str, **values: Any) -> str:
    """A page; its forms carry a fresh key, so that one sent twice is one deed."""
    return frame.page(template, show_request_id=True, **values)


def once(asked: dict[str, Any], effect: Callable[[Session], dict[str, Any]]) -> dict[str, Any]:
    """Do what a form says, once for its key; what it did, which is kept."""
    key = idempotency.checked(request.form.get("key"))
    told = {"path": request.path} | asked
    with database.begin() as session:
        found = idempotency.once(
            session, NO_MEMBER, person().actor, key, told, lambda: (200, effect(session))
        )
    done: dict[str, Any] = found.body
    return done


def refused(problem: Problem, shown: Callable[..., str]) -> Response:
    """The page again, with what was wrong above it; while the database is away it is not asked."""
    if isinstance(problem, Unavailable):
        raise problem
    language = current_language()
    told = {
        "title": problem.title(language),
        "detail": problem.detail,
        "next": problem.next_step(language),
    }
    answer = make_response(shown(refusal=told), status_of(type(problem)))
    answer.headers["Cache-Control"] = "no-store"
    return answer
