"""A walk over every page of a face: found from the URL map and from the links of pages already open, so that none is left out.

A rule without arguments is opened as it stands; one with arguments at the first address that is given or linked. What turns out to be
no page of ours (a file, a fragment, a way on to another page) is passed by.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import Error, Page, Response
from werkzeug.exceptions import HTTPException

# Not walked: what people do not open, and the description of the whole API, which is one page of many thousand parts.
NO_PAGES = ("/v1", "/static", "/health", "/pictures", "/till/outcome", "/docs", "/openapi.json")
PRODUCT = ("/problems", "/dev")
FACES = {"till": ("/till",), "merchant": ("/merchant",), "staff": ("/staff",), "product": PRODUCT}
MEMBER = "member"
LINKS = "() => [...document.querySelectorAll('a[href]')].map((link) => link.getAttribute('href'))"
IS_PAGE = "() => document.doctype !== null && document.querySelector('main') !== null"


def face_of(rule: str) -> str | None:
    """The face that a rule of the URL map belongs to; None for what people do not open."""
    if _below(rule, NO_PAGES):
        return None
    return next((face for face, places in FACES.items() if _below(rule, places)), MEMBER)


def rules_of(app: Flask, face: str) -> set[str]:
    """The rules that somebody can open at this face."""
    every = (one for one in app.url_map.iter_rules() if "GET" in (one.methods or ()))
    return {one.rule for one in every if face_of(one.rule) == face}


def endpoint_at(app: Flask, path: str, method: str = "GET") -> tuple[str, str] | None:
    """The rule of an address and its endpoint; None: there is none."""
    try:
        rule, _ = app.url_map.bind("").match(path, method, return_rule=True)
    except HTTPException:
        return None
    return rule.rule, rule.endpoint


class Walk:
    """One person's walk through a face; `left` are the rules that it has not come to so far."""

    def __init__(self, app: Flask, face: str, page: Page, without: Collection[str] = ()) -> None:
        self.app, self.page = app, page
        self.left = rules_of(app, face) - set(without)
        self.opened: list[str] = []
        self.refused: list[str] = []

    def pages(self, more: Iterable[str] = ()) -> Iterator[str]:
        """Open each page once, those at `more` first, and yield its rule while it stands open."""
        ahead = [*more, *sorted(rule for rule in self.left if "<" not in rule)]
        while ahead:
            address = ahead.pop(0)
            rule = endpoint_at(self.app, urlsplit(address).path)
            if rule is None or rule[0] not in self.left:
                continue
            self.left.discard(rule[0])
            if self._open(address):
                self.opened.append(address)
                ahead += [link for link in self.page.evaluate(LINKS) if link.startswith("/")]
                yield rule[0]

    def _open(self, address: str) -> bool:
        """Whether a page of ours stands there now."""
        try:
            answer = self.page.goto(address)
        except Error as error:
            if "Download is starting" in error.message or "ERR_ABORTED" in error.message:
                return False
            raise
        if answer is None or not _stays(answer, address):
            return False
        if answer.status >= 400:
            self.refused.append(f"{answer.status} {address}")
        return answer.status < 400 and bool(self.page.evaluate(IS_PAGE))


def _stays(answer: Response, address: str) -> bool:
    moved = urlsplit(answer.url).path.rstrip("/") != urlsplit(address).path.rstrip("/")
    return not moved and answer.headers.get("content-type", "").startswith("text/html")


def _below(rule: str, places: Iterable[str]) -> bool:
    return any(re.match(rf"{re.escape(place)}(/|$)", rule) for place in places)
