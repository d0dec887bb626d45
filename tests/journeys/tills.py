"""A browser that becomes a till, and what a clerk does at it."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from base import clock, database
from base.config import Config
from merchants.terminals import pairing
from tests.given import Shop

AXE = (Path(__file__).parents[1] / "data" / "axe" / "axe.min.js").read_text("utf-8")


def pairing_code(config: Config, shop: Shop) -> str:
    """Six digits from the manager."""
    with database.begin() as session:
        return pairing.open_for(session, config.secret_key, shop.terminal, clock.now())


def pair(page: Page, config: Config, shop: Shop) -> None:
    """An open browser becomes the shop's till."""
    page.wait_for_url("**/till/pair*")
    page.locator("#terminal").fill(shop.terminal.code)
    page.locator("#code").fill(pairing_code(config, shop))
    page.locator("form[action='/till/pair'] button").click()
    page.wait_for_url("**/till/sign-in*")


def sign_in(page: Page, clerk: str = "01", pin: str = "123456") -> None:
    page.locator("#clerk").fill(clerk)
    page.locator("#pin").fill(pin)
    page.locator("form[action='/till/sign-in'] button").click()
    page.wait_for_url(re.compile(r"/till(\?.*)?$"))


def at_till(visit: Any, config: Config, shop: Shop, **more: Any) -> Page:
    """A clerk at a paired till, signed in."""
    page = visit("/till", **more)
    pair(page, config, shop)
    sign_in(page)
    expect(page.locator("#code")).to_be_focused()
    return page


def check(page: Page, code: str) -> None:
    """Type the code, whatever has the focus, and Enter: as a scanner does."""
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def accept(page: Page) -> None:
    page.locator("form[action='/till/accept'] button").click()
    expect(page.locator("form[action='/till/void']")).to_be_visible()


def axe(page: Page, *, contrast: bool = True) -> None:
    """No rule of axe is broken on the page as it stands; contrast, its slowest rule, is what `sound` looks at as well."""
    page.evaluate(AXE)
    found = page.evaluate(
        """async (contrast) => (await axe.run({ resultTypes: ["violations"], rules: { "color-contrast": { enabled: contrast } } }))
            .violations.map((one) => [one.id, one.nodes.map((node) => node.html)])""",
        contrast,
    )
    assert not found, f"{page.url}: {found}"
