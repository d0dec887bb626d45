"""The web layer of an app: static files under /static, base templates, filters, and what every page knows."""

import gzip
from collections.abc import Mapping, MutableMapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Flask, Response, g, request
from flask.templating import Environment
from markupsafe import Markup

from base import clock, ids
from base.web import formats, i18n

STATIC = Path(__file__).parent / "static"
A_YEAR_S = 365 * 24 * 3600


class Pages(Environment):
    """Jinja's environment as Flask has it, whose templates look into its globals themselves, not into a chain of maps:
    each import of macros compares all names, and a page imports a dozen times.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return super().make_globals(d) if d else self.globals


web = Blueprint(
    "web", __name__, static_folder="static", template_folder="templates", static_url_path="/static"
)


def init(app: Flask, *, language: str = i18n.DEFAULT, zone: str = formats.DEFAULT_ZONE) -> None:
    """Give the app its pages' foundation. The app itself is made with `static_folder=None`."""
    app.jinja_environment = Pages
    i18n.init(app, language)
    formats.init(app, zone)
    app.register_blueprint(web)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    # Globals, not context: macros imported without context see them too.
    app.jinja_env.globals.update(
        both=i18n.both,
        language=i18n.current_language,
        languages=i18n.OWN_NAMES,
        static_url=static_url,
        with_query=with_query,
        is_here=is_here,
        public=ids.public,
        now=clock.now,
    )
    app.add_template_filter(attributes)
    app.context_processor(_known_to_every_page)


def static_url(name: str) -> str:
    """The address of a static file, changed whenever its content is: browsers may keep it for a year."""
    return f"{web.static_url_path}/{name}?v={version(name)}"


def with_query(**changes: str | int | None) -> str:
    """A link to this page with some query values changed; None takes one away. The path stays as it is."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in changes]
    return "?" + urlencode([*kept, *((name, value) for name, value in changes.items() if value is not None)])


def is_here(href: str, exact: bool = False) -> bool:
    """Whether this page is the one at `href`, or (unless exact) lies below it: for marking a menu entry."""
    path = urlsplit(href).path.rstrip("/")
    return request.path.rstrip("/") == path or (
        not exact and path != "" and request.path.startswith(path + "/")
    )


def attributes(values: Mapping[str, object]) -> Markup:
    """HTML attributes with a space before each: {"data_focus": True, "min": 1} -> ` data-focus min="1"`."""
    given = [
        (name.rstrip("_").replace("_", "-"), value)
        for name, value in values.items()
        if value is not None and value is not False
    ]
    return Markup("").join(
        Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, value)
        for name, value in given
    )


def version(name: str) -> str:
    """The first 8 hex digits of the file's SHA-256."""
    return _version(name, (STATIC / name).stat().st_mtime_ns)


@cache
def _version(name: str, changed_at: int) -> str:
    return sha256((STATIC / name).read_bytes()).hexdigest()[:8]


@web.after_request
def _let_browsers_keep(response: Response) -> Response:
    name = (request.view_args or {}).get("filename", "")
    if response.status_code != 200 or not name:
        return response
    if request.args.get("v") == version(name):
        response.headers["Cache-Control"] = f"public, max-age={A_YEAR_S}, immutable"
    if response.mimetype in ("text/css", "text/javascript", "image/svg+xml", "application/wasm"):
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"] > 0:
            _compress(response, name)
    return response


def _compress(response: Response, name: str) -> None:
    response.direct_passthrough = False
    response.set_data(_gzipped(name, version(name)))
    response.headers["Content-Encoding"] = "gzip"
    response.set_etag(response.get_etag()[0] or version(name), weak=True)


@cache
def _gzipped(name: str, of_version: str) -> bytes:
    return gzip.compress((STATIC / name).read_bytes(), mtime=0)


def _known_to_every_page() -> dict[str, Any]:
    return {"principal": g.get("principal"), "request_id": g.get("request_id")}
