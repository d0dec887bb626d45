"""The cookies of signed-in pages: one for each face, holding nothing but the sign-in's token; and one to know a browser by."""

import secrets
from datetime import timedelta

from flask import request
from werkzeug.wrappers import Response

from base import database
from base.auth import sign_ins
from base.auth.guard import cookie_name, face
from base.auth.sign_ins import LIVES


def signed_in(answer: Response, token: str, kind: str, *, secure: bool) -> Response:
    """Let the browser carry the token for the face of this page."""
    answer.set_cookie(
        cookie_name(face()),
        token,
        max_age=int(LIVES[kind].most.total_seconds()),
        httponly=True,
        secure=secure,
        samesite="Lax",
        path="/",
    )
    return answer


DEVICE = "jifen_device"
DEVICE_LIVES = timedelta(days=400)


def device_mark() -> str:
    """What this browser is known again by; a fresh one where it has none yet."""
    kept = request.cookies.get(DEVICE, "")
    return kept if 20 <= len(kept) <= 64 else secrets.token_urlsafe(24)


def marked(answer: Response, mark: str, *, secure: bool) -> Response:
    """Let the browser keep its mark."""
    answer.set_cookie(
        DEVICE,
        mark,
        max_age=int(DEVICE_LIVES.total_seconds()),
        httponly=True,
        secure=secure,
        samesite="Lax",
        path="/",
    )
    return answer


def signed_out(answer: Response) -> Response:
    """End the sign-in of this face, in the database and in the browser."""
    token = request.cookies.get(cookie_name(face()))
    if token:
        with database.begin() as session:
            sign_ins.end(session, token)
    answer.delete_cookie(cookie_name(face()), path="/")
    return answer
