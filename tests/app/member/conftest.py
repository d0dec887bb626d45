"""A browser without script: follows redirects, fills in forms with their hidden fields."""

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from base import database
from base.config import Config
from base.notices import notices
from tests.given import given_member, given_programme


class Forms(HTMLParser):
    """The forms of a page: address -> the values it would send as it stands."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}
        self._at: dict[str, str] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._at = self.found.setdefault(given["action"], {})
        elif tag == "input" and self._at is not None:
            self._at[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._at = None


class Browser:
    """One person's browser; `page` is the text of the last answer."""

    def __init__(self, app: Flask, language: str = "en") -> None:
        self.client = app.test_client()
        self.headers = {"Accept-Language": language}
        self.at = ""
        self.page = ""

    def get(self, path: str) -> TestResponse:
        return self._seen(self.client.get(path, headers=self.headers, follow_redirects=True))

    def submit(self, action: str, **filled: Any) -> TestResponse:
        """Send the form of the present page that goes to this address."""
        return self.post(action, Forms(self.page).found[action] | filled)

    def post(self, action: str, fields: dict[str, Any]) -> TestResponse:
        return self._seen(self.client.post(action, data=fields, headers=self.headers, follow_redirects=True))

    def sign_in(self, db: Config, phone: str, programme: str = "gotone") -> TestResponse:
        self.get("/sign-in")
        self.submit("/sign-in", phone=phone, programme=programme)
        return self.submit("/sign-in/code", code=code_sent(db))

    def quote(self, offer: str, units: int = 1) -> TestResponse:
        self.get(f"/offers/{offer}")
        return self.submit("/quotes", units=units)

    def redeem(self, offer: str, units: int = 1) -> TestResponse:
        self.quote(offer, units)
        return self.submit("/redemptions")

    def find(self, pattern: str) -> str:
        """The first place in the page that fits; of a pattern with a group, the group."""
        found = re.search(pattern, self.page)
        assert found, pattern
        return html.unescape(found.group(found.re.groups))

    def next_page(self) -> TestResponse:
        """Follow the link to the next page of a list."""
        return self.get(self.at + self.find('rel="next" href="([^"]+)'))

    def _seen(self, answer: TestResponse) -> TestResponse:
        self.at, self.page = answer.request.path, answer.text
        assert self.page == "" or len(re.findall(r"<h1\b", self.page)) == 1, self.at
        return answer


def code_sent(db: Config) -> str:
    """The code of the newest message."""
    with database.begin() as session:
        found = re.search(r"\d{6}", notices.latest(session, db.seal_key, 1)[0].text)
    assert found
    return found.group()


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def browser(app) -> Callable[..., Browser]:
    """browser(language="en")"""
    return lambda language="en": Browser(app, language)


@pytest.fixture
def somebody(app, db, programme) -> Callable[..., Browser]:
    """somebody(points=500, phone=...): a signed-in member's browser."""

    def make(points: int = 0, phone: str = "13900001234", language: str = "en", **more: Any) -> Browser:
        given_member(db, programme, points=points, phone=phone, **more)
        made = Browser(app, language)
        made.sign_in(db, phone)
        return made

    return make
