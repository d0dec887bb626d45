"""The language of the answer: zh-CN or en, chosen per request, translated from .po files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, current_app, g, has_request_context, request, session
from flask_babel import Babel, Domain  # type: ignore[import-untyped]
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

# Language tag (as in HTML, HTTP and our tables) -> Babel's locale.
LOCALES = {"zh-CN": "zh_Hans_CN", "en": "en"}
OWN_NAMES = {"zh-CN": "中文", "en": "English"}
DEFAULT = "zh-CN"
MOST_TEXTS = 10_000
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
    app.jinja_env.globals.update(_=_on_page, gettext=_on_page, ngettext=_counted_on_page)
    app.before_request(_remember_choice)
    app.after_request(_name_language)


def current_language() -> str:
    """The tag of the language to answer in: of the request, the one a job speaks, or the default."""
    spoken = _spoken.get()
    if spoken or not has_request_context():
        return spoken or DEFAULT
    found: str | None = g.get("answers_in")
    if found is None:  # a page asks a hundred times
        found = g.answers_in = _asked_for()
    return found


def choose(tag: str) -> None:
    """Answer in this language from now on (a link, a sign-in, an account page). Unknown: no change."""
    if tag in LOCALES:
        g.answers_in = session["language"] = tag


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


# On pages as Jinja's own, which go a longer way for each text than a page that says a hundred can afford.


@pass_eval_context
def _on_page(page: EvalContext, text: str, /, **facts: object) -> str:
    if facts:
        return _said(current_language(), page.autoescape, text) % facts
    return _said_plainly(current_language(), page.autoescape, text)


@pass_eval_context
def _counted_on_page(page: EvalContext, one: str, many: str, num: int, /, **facts: object) -> str:
    said = translations(current_language()).ungettext(one, many, num)
    return (Markup(said) if page.autoescape else said) % ({"num": num} | facts)


@lru_cache(MOST_TEXTS)
def _said(tag: str, as_markup: bool, text: str) -> str:
    said = translations(tag).ugettext(text)
    return Markup(said) if as_markup else said


@lru_cache(MOST_TEXTS)
def _said_plainly(tag: str, as_markup: bool, text: str) -> str:
    return _said(tag, as_markup, text) % {}  # "%%" stands for a per cent sign with facts and without


def _asked_for() -> str:
    chosen = session.get("language")
    return str(chosen) if chosen in LOCALES else _of_browser()


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
