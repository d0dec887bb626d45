"""The language of the answer: zh-CN or en, chosen per request, translated from .po files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, current_app, g, has_request_context, request, session
from flask_babel import Babel, Domain  # type: ignore[import-untyped]

# Language tag (as in HTML, HTTP and our tables) -> Babel's locale.
LOCALES = {"zh-CN": "zh_Hans_CN", "en": "en"}
OWN_NAMES = {"zh-CN": "中文", "en": "English"}
DEFAULT = "zh-CN"
FOLDER = Path(__file__).parent / "translations"

_LOCALE = {tag: Locale.parse(name) for tag, name in LOCALES.items()}
_spoken: ContextVar[str | None] = ContextVar("language", default=None)


class _PoDomain(Domain):  # type: ignore[misc]
    """Translations straight from the .po files, so that no compiled file can be stale."""

    def get_translations(self) -> NullTranslations:
        return translations(current_language())


_domain = _PoDomain()
# English text in, text in the current language out. They also work without a request or an app.
gettext, ngettext, pgettext = _domain.gettext, _domain.ngettext, _domain.pgettext
lazy_gettext = _domain.lazy_gettext


def init(app: Flask, default: str = DEFAULT) -> None:
    """Give the app its languages: `?lang=` (remembered), then the session, the browser, the default."""
    app.config["LANGUAGE"] = default
    babel = Babel()
    babel.init_app(app, locale_selector=lambda: LOCALES[current_language()])
    babel.domain_instance = _domain
    app.before_request(_remember_choice)
    app.after_request(_name_language)


def current_language() -> str:
    """The tag of the language to answer in: of the request, the one a job speaks, or the default."""
    spoken = _spoken.get()
    if spoken or not has_request_context():
        return spoken or DEFAULT
    asked = g.get("language") or session.get("language")
    if asked in LOCALES:
        return str(asked)
    if "browser_language" not in g:
        g.browser_language = _of_browser()
    return str(g.browser_language)


def choose(tag: str) -> None:
    """Answer in this language from now on (a link, a sign-in, an account page). Unknown: no change."""
    if tag in LOCALES:
        g.language = session["language"] = tag


@contextmanager
def speaking(tag: str) -> Iterator[None]:
    """Texts, numbers and dates in another language than the request's: notices, files, jobs."""
    token = _spoken.set(tag if tag in LOCALES else DEFAULT)
    try:
        yield
    finally:
        _spoken.reset(token)


def locale() -> Locale:
    """Babel's locale of the current language, for numbers and dates."""
    return _LOCALE[current_language()]


def both(names: Mapping[str, str] | None) -> str:
    """The name in the current language out of {"zh-CN": ..., "en": ...}; another one before none at all."""
    names = names or {}
    return names.get(current_language()) or names.get(DEFAULT) or next(filter(None, names.values()), "")


def say(tag: str, text: str, **facts: object) -> str:
    """One text in a language of one's own choosing: say("en", "%(n)s points lapse", n=5)."""
    with speaking(tag):
        return str(gettext(text, **facts))


@cache
def translations(tag: str) -> NullTranslations:
    """All messages of one language, compiled in memory on first use."""
    known = Translations()
    for path in sorted((FOLDER / LOCALES[tag] / "LC_MESSAGES").glob("*.po")):
        compiled = BytesIO()
        with path.open("rb") as source:
            write_mo(compiled, read_po(source, locale=LOCALES[tag]))
        compiled.seek(0)
        part = Translations(compiled)
        known.merge(part)
        known.plural = part.plural  # merge() forgets the plural rule
    return known


def _of_browser() -> str:
    # "zh" and "zh-TW" readers get Chinese; the order of preference is the browser's.
    for tag in request.accept_languages.values():
        for ours in LOCALES:
            if tag.lower().split("-")[0] == ours.split("-")[0]:
                return ours
    return str(current_app.config.get("LANGUAGE", DEFAULT))


def _remember_choice() -> None:
    choose(request.args.get("lang", ""))


def _name_language(response: Response) -> Response:
    if response.mimetype in ("text/html", "application/problem+json"):
        response.headers.setdefault("Content-Language", current_language())
        response.vary.add("Accept-Language")
    return response
