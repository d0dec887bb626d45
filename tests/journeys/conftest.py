"""A real browser for the journeys: Chromium without a window, before the application served on loopback.

Whatever a person opens is watched: an error in the console, a breach of the content security policy, a request that
leaves the application, an answer of 500 fails the journey. A journey that fails leaves a picture of each open page.
"""

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from base import jobs
from base.config import Config
from tests.journeys.screens import SCREENS
from tests.journeys.walk import endpoint_at

# The engine without the windows of a browser first: it draws the same pages in half of the processor's time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NO_BROWSER = "no Chromium on this machine: apt-get install chromium"
PHONE, DESK = 320, 1280
LONGEST_WAIT_MS = 10_000
FAULTS = (Path(__file__).parent / "faults.js").read_text("utf-8")
# Set in every page before its own scripts.
WATCH_POLICY = """addEventListener("securitypolicyviolation", (breach) => console.error(
    "content security policy:", breach.violatedDirective, breach.blockedURI));"""
REFUSES = re.compile(r"//[^/]+/(?:till/|v1/terminals/pairings)")
Visit = Callable[..., Page]


def chromium_here() -> str | None:
    """Where the browser is; None when there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def must_fail(outcome: str, browser: str | None) -> bool:
    """Whether a journey's outcome may not stand: with a browser at hand, nothing excuses from the journey."""
    return outcome == "skipped" and browser is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A skip beside a browser becomes a failure; a failure tells where its pictures are."""
    report = yield
    if must_fail(report.outcome, chromium_here()) and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although {chromium_here()} is here: {call.excinfo and call.excinfo.value}"
    if report.failed and OPENED in item.stash:
        report.sections.append(("pictures of the open pages", "\n".join(item.stash[OPENED].photographed())))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """The same for a whole file that is skipped."""
    report = yield
    if must_fail(report.outcome, chromium_here()):
        report.outcome, report.longrepr = (
            "failed",
            f"{collector.nodeid} is skipped although a browser is here",
        )
    return report


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser with a fresh profile. Of one file: while it lives, its event loop is this thread's."""
    path = chromium_here()
    if path is None:
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a free port of loopback, with threads as in operation; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application on loopback."""
    with served(app) as found:
        yield found


@dataclass
class Opened:
    """The pages of one journey, and what was wrong with them while they were open."""

    browser: Browser
    address: str
    folder: Path
    pages: list[Page] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    meant: list[str] = field(default_factory=list)  # parts of messages that a journey brings about on purpose
    asked: set[tuple[str, str]] = field(default_factory=set)  # method and path of every request

    def open(
        self,
        path: str,
        *,
        language: str = "en",
        width: int = DESK,
        cookies: dict[str, str] | None = None,
        **more: Any,
    ) -> Page:
        """Somebody's own browser at this page; `cookies` carry a sign-in."""
        context = self.browser.new_context(
            base_url=self.address, locale=language, viewport={"width": width, "height": 800}, **more
        )
        context.set_default_timeout(LONGEST_WAIT_MS)
        context.add_init_script(WATCH_POLICY)
        context.add_cookies(
            [{"name": name, "value": value, "url": self.address} for name, value in (cookies or {}).items()]
        )
        context.on("request", self._asked)
        context.on("response", self._answered)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.faults.append(f"script: {error.error}"))
        context.on("page", lambda page: self.pages.append(page))
        page = context.new_page()
        page.goto(path)
        return page

    def close(self) -> None:
        for context in list(self.browser.contexts):
            context.close()

    def photographed(self) -> list[str]:
        """Take a picture of each page that is still open; where the pictures are."""
        found = []
        for number, page in enumerate(self.pages, 1):
            if not page.is_closed():
                found.append(f"{self.folder / f'page-{number}.png'}  {page.url}")
                page.screenshot(path=self.folder / f"page-{number}.png", full_page=True)
        return found

    def _asked(self, request: Request) -> None:
        self.asked.add((request.method, urlsplit(request.url).path))
        if not request.url.startswith((self.address + "/", "data:")):
            self.faults.append(f"a request leaves the application: {request.url}")

    def _answered(self, response: Response) -> None:
        # What the till sends by itself is answered by a page as well: a refusal there, or "try again", is no fault.
        # A service worker asks for pages on behalf of its page.
        asked = response.request
        by_worker = asked.service_worker is not None and "/static/" not in response.url
        a_page = asked.resource_type == "document" or by_worker
        fault = (
            response.status == 500
            if REFUSES.search(response.url)
            else response.status >= (500 if a_page else 400)
        )
        if fault:
            self.faults.append(f"{response.status} {response.url}")

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium notes each refusal (a page of 4xx) here; those that matter are found in _answered.
        expected = message.text.startswith("Failed to load resource") or any(
            one in message.text for one in self.meant
        )
        if message.type in ("error", "warning") and not expected:
            self.faults.append(f"console: {message.text}")


OPENED = pytest.StashKey[Opened]()


@pytest.fixture
def visit(
    chromium: Browser, address: str, app: Flask, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Visit]:
    """visit(path, language="en", width=1280, cookies={}, ...): a page in somebody's own browser."""
    opened = Opened(chromium, address, tmp_path)
    request.node.stash[OPENED] = opened
    expect.set_options(timeout=LONGEST_WAIT_MS)
    yield opened.open
    opened.close()
    faults = opened.faults + not_walked(app, opened, request.node)
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def not_walked(app: Flask, opened: Opened, test: pytest.Item) -> list[str]:
    """The screens that a journey names and did not come to."""
    asked = {
        found and found[1] for found in (endpoint_at(app, path, method) for method, path in opened.asked)
    }
    named = [screen for mark in test.iter_markers("screens") for screen in mark.args]
    return [f"this journey did not open {one}" for one in named if not asked & set(SCREENS[one])]


@pytest.fixture
def work(db: Config) -> Callable[[], None]:
    """Let the worker do all that is due. In a thread of its own: the browser's event loop runs in this one."""

    def drain() -> None:
        with ThreadPoolExecutor(1) as one:
            one.submit(jobs.drain, db.database_url or "").result()

    return drain


def sound(page: Page, language: str = "en", *, widths: tuple[int, ...] = ()) -> None:
    """The page can be read by everybody (at these widths): labels, headings, width, contrast."""
    page.wait_for_load_state()  # a click waits until a page begins to come, not until it is there
    for width in widths or (page.viewport_size["width"],):
        page.set_viewport_size({"width": width, "height": page.viewport_size["height"]})
        found = page.evaluate(FAULTS, language)
        assert not found, f"{page.url}, {width} wide:\n" + "\n".join(found)


def menu(page: Page) -> list[str]:
    """The addresses of the main menu; waits for a page that has one."""
    links = page.locator("nav[aria-label] a[href]")
    expect(links.first).to_be_attached()
    return [
        str(link.get_attribute("href"))
        for link in links.all()
        if "lang=" not in str(link.get_attribute("href"))
    ]


def code_of_message(page: Page) -> str:
    """The sign-in code in the newest message of /dev/outbox."""
    found = re.search(r"\b\d{6}\b", page.get_by_role("main").get_by_role("listitem").first.inner_text())
    assert found
    return found[0]


def tab_to(page: Page, name: str, role: str = "button") -> None:
    """Press Tab until the focus is there; it must be visible."""
    wanted = page.get_by_role(role, name=name)
    for _ in range(40):
        page.keyboard.press("Tab")
        if wanted.evaluate("(element) => element === document.activeElement"):
            assert wanted.evaluate("(element) => getComputedStyle(element).outlineStyle") != "none"
            return
    raise AssertionError(f"Tab does not lead to {name}")
