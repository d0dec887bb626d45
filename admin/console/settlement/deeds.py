"""What the pages of settlement share: a deed done once for the key of its form."""

from collections.abc import Callable
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from base import database, idempotency
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current


def once(effect: Callable[[Session], Any]) -> Any:
    """Do it in a transaction of its own, once for the form's key; what it answered."""
    key = idempotency.checked(request.form.get("key"))
    asked = {"page": request.path, "form": {k: v for k, v in request.form.items() if k != "csrf_token"}}
    with database.begin() as session:
        answer = idempotency.once(
            session, NO_MEMBER, current().actor, key, asked, lambda: (303, effect(session))
        )
    return answer.body
