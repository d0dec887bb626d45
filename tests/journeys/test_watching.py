"""The journeys' own eyes: what is wrong with a page is really noticed, and no journey is skipped beside a browser."""

import pytest

from tests.given import given_programme
from tests.journeys.conftest import FAULTS, OPENED, PHONE, chromium_here, must_fail

BROKEN = [
    ("document.documentElement.lang = 'fr'", "the language is fr"),
    ("document.querySelector('label').remove()", "no label"),
    ("document.querySelector('main button').textContent = ''", "no name"),
    ("document.querySelector('main').append(new Image())", "no alternative"),
    ("document.querySelector('h1').remove()", "0 h1"),
    ("document.querySelector('main').append(document.createElement('h4'))", "a heading skips a level"),
    ("document.querySelector('main p').style.width = '400px'", "wide on a screen of 320"),
    ("document.querySelector('main p').style.cssText = 'overflow: hidden; white-space: nowrap'", "cut off"),
    ("document.querySelector('main p').style.color = '#aaa'", "contrast"),
    ("document.querySelector('main p').id = 'main'", "the id main is there twice"),
]
DEEDS = [
    ("new Image().src = 'http://127.0.0.1:9/far-away.png'", "content security policy: img-src"),
    ("document.body.setAttribute('onclick', '1')", "content security policy: script-src-attr"),
    ("setTimeout(() => { throw new Error('broken') })", "script: "),
    ("console.error('odd')", "console: odd"),
    ("new Image().src = '/static/not-there.png'", "404 "),
    ("window.open('http://localhost:9/')", "a request leaves the application"),
]


@pytest.mark.parametrize(
    ("outcome", "browser", "fails"),
    [
        ("skipped", "/usr/bin/chromium", True),
        ("skipped", None, False),
        ("passed", "/usr/bin/chromium", False),
        ("failed", "/usr/bin/chromium", False),
    ],
)
def test_only_a_missing_browser_excuses_from_a_journey(outcome, browser, fails):
    assert must_fail(outcome, browser) is fails


def test_the_browser_is_looked_for_on_the_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = chromium_here()
    (tmp_path / "google-chrome").touch(mode=0o755)

    assert missing is None
    assert chromium_here() == str(tmp_path / "google-chrome")


@pytest.mark.browser
def test_every_kind_of_fault_of_a_page_is_found(visit, db):
    given_programme()
    page = visit("/sign-in", width=PHONE)
    assert page.evaluate(FAULTS, "en") == []

    for change, fault in BROKEN:
        page.reload()
        page.evaluate(change)
        assert any(fault in found for found in page.evaluate(FAULTS, "en")), change


@pytest.mark.browser
def test_what_a_page_does_wrong_is_noticed(visit, db, request):
    page, faults = visit("/sign-in"), request.node.stash[OPENED].faults

    for deed, fault in DEEDS:
        page.evaluate(deed)
        for _ in range(100):
            if not any(fault in found for found in faults):
                page.wait_for_timeout(20)
        noticed, faults[:] = list(faults), []
        assert any(fault in found for found in noticed), (deed, noticed)
