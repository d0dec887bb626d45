"""HTTP: editors send pictures; everybody sees one by its hash, and may keep it for good, for it never changes."""

from typing import Any

import flask
from flask import Response, request

from base import database
from base.auth.guard import current, needs, open_to_all
from base.auth.principals import Staff
from base.http.api import Blueprint
from catalog.pictures import pictures
from catalog.pictures.pictures import MOST_BYTES
from catalog.pictures.schemas import PictureView

YEAR_S = 365 * 24 * 3600
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary", "maxLength": MOST_BYTES}}
            for kind in (pictures.PNG, pictures.JPEG, pictures.WEBP)
        },
    }
}

blueprint = Blueprint("pictures", __name__, description="Pictures of offers")
public = flask.Blueprint("picture", __name__)


@blueprint.route("/offer-pictures", methods=["POST"])
@blueprint.response(201, PictureView)
@blueprint.doc(**BODY)
@needs("offers:propose")
def send() -> dict[str, Any]:
    """Keep a picture: the body is the file itself, PNG, JPEG or WebP. The same bytes are the same picture, so no key is needed."""
    person = current()
    assert isinstance(person, Staff)
    content = request.get_data(cache=False)
    with database.begin() as session:
        found = pictures.add(session, person, content)
    name = found.digest.hex()
    return {"hash": name, "media_type": found.media_type, "href": f"/pictures/{name}"}


@public.route("/pictures/<name>")
@open_to_all
def show(name: str) -> Response:
    """A picture by its hash."""
    with database.begin() as session:
        found = pictures.find(session, name)
    answer = Response(found.content, mimetype=found.media_type)
    answer.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    answer.set_etag(name)
    answer.make_conditional(request)
    return answer
