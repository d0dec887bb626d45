"""make screenshots: pictures of the main screens in both languages, for docs/screens.

The demo operator on servers of its own, at a moment that stands still, with the same luck each time: a picture changes when its page does.
Member and till on a phone, merchant and operations on a desk. Words take those whose name has one of the words in it.
"""

import os
import random
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from unittest import mock

os.environ["JIFEN_ENV"] = "test"

from playwright.sync_api import Browser, Page, sync_playwright

from app import demo
from app.web import create_app
from app.wiring import wire
from base import clock, ids, local, logs, schema
from base.config import Config
from tests.admin.console.test_retention import given_run, simulated
from tests.admin.intake.files import members_file
from tests.journeys.conftest import FLAGS, NO_BROWSER, chromium_here, served
from tests.journeys.small import smaller
from tests.journeys.tills import accept, check
from tests.journeys.walk import MEMBER
from tests.journeys.world import World

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
AT = datetime(2026, 11, 20, 4, 3, tzinfo=UTC)  # 12:03 in Hangzhou
PHONE, DESK = {"width": 390, "height": 760}, {"width": 1280, "height": 800}
SAME = "the same in every run: no secret of anybody"
NOWHERE = "http://127.0.0.1:1"
Deed = Callable[[World, Page], None]


def at(address: str) -> Deed:
    """Just open it."""
    return lambda world, page: page.goto(address) and None


@dataclass(frozen=True)
class Shot:
    """A screen: its name, whose it is, how to come there."""

    name: str
    face: str
    come: Deed


def _follow(address: str, selector: str) -> Deed:
    """Open a list and its first entry."""

    def come(world: World, page: Page) -> None:
        page.goto(address)
        page.locator(selector).first.click()
        page.wait_for_load_state()

    return come


def _quote(world: World, page: Page) -> None:
    page.goto(f"/quotes/{world.me.quote(world.offer).json['id']}")


def _result(world: World, page: Page) -> None:
    page.goto(f"/redemptions/{world.me.redeem(world.offer).json['id']}")


def _offer(world: World, page: Page) -> None:
    page.goto(f"/offers/{ids.public('off', world.offer.offer_id)}")


def _voucher(world: World, page: Page) -> None:
    page.goto(f"/vouchers/{world.vouchers[1]}")


def _checked(world: World, page: Page) -> None:
    world.at_till(page)
    check(page, world.code(world.voucher()))
    page.locator("form[action='/till/accept'] button").wait_for()


def _accepted(world: World, page: Page) -> None:
    accept(page)


def _draft(world: World, page: Page) -> None:
    """One more offer like the world's, as it is set up."""
    page.goto(f"/staff/offers/{ids.public('off', world.offer.offer_id)}")
    page.locator("a[href*='/offer-drafts/new']").first.click()
    page.locator("#code").fill(f"tea-{page.locator('html').get_attribute('lang').lower()}")
    page.locator("form[action='/staff/offer-drafts'] button[type=submit]").click()
    page.wait_for_url("**/content")


def _difference(world: World, page: Page) -> None:
    page.goto("/staff/rates/change?programme=gotone")
    page.locator("[id='points.0']").fill("110")
    page.locator("#reason").fill("2027 H1")
    page.locator("form[action='/staff/rates/change'] button[type=submit]").first.click()
    page.wait_for_load_state()


def _import(world: World, page: Page) -> None:
    page.goto("/staff/imports?programme=gotone")
    page.locator("input[type=file]").set_input_files(
        {"name": "members-2026-11.csv", "mimeType": "text/csv", "buffer": members_file(40)}
    )
    page.locator("form[action^='/staff/imports'] button[type=submit]").first.click()
    page.wait_for_url("**/staff/imports/imp_*")


def _member(world: World, page: Page) -> None:
    page.goto(f"/staff/members/{ids.public('mbr', world.member_id)}")


def _why(world: World, page: Page) -> None:
    page.goto(f"/staff/members/{ids.public('mbr', world.member_id)}/why")


SHOTS = (
    Shot("member-home", MEMBER, at("/")),
    Shot("member-offers", MEMBER, at("/offers")),
    Shot("member-offer", MEMBER, _offer),
    Shot("member-confirm", MEMBER, _quote),
    Shot("member-result", MEMBER, _result),
    Shot("member-voucher", MEMBER, _voucher),
    Shot("member-vouchers-offline", MEMBER, at("/vouchers/offline")),
    Shot("member-points", MEMBER, at("/points")),
    Shot("member-account", MEMBER, at("/account")),
    Shot("till-check", "till", _checked),
    Shot("till-accepted", "till", _accepted),
    Shot("till-today", "till", at("/till/today")),
    Shot("merchant-today", "merchant", at("/merchant")),
    Shot("merchant-statements", "merchant", at("/merchant/statements")),
    Shot("merchant-statement", "merchant", _follow("/merchant/statements", "a[href*='/statements/stm_']")),
    Shot("operations-overview", "staff", at("/staff")),
    Shot("operations-offers", "staff", at("/staff/offers")),
    Shot("operations-offer-editor", "staff", _draft),
    Shot("operations-rates", "staff", at("/staff/rates")),
    Shot("operations-rate-change", "staff", _difference),
    Shot("operations-rule", "staff", at("/staff/segments/draft?risk_at_least=3")),
    Shot("operations-import", "staff", _import),
    Shot("operations-jobs", "staff", at("/staff/jobs")),
    Shot("operations-member", "staff", _member),
    Shot("operations-why", "staff", _why),
    Shot("operations-tickets", "staff", at("/staff/tickets")),
    Shot("operations-care", "staff", at("/staff/care/tasks?view=open")),
    Shot("operations-merchant", "staff", at(f"/staff/merchants/{demo.SHOP}")),
    Shot("operations-payouts", "staff", at("/staff/payouts?state=paid")),
    Shot("operations-books", "staff", at("/staff/books?month=2026-10")),
    Shot("operations-approval", "staff", _follow("/staff/approvals?state=all", "main table a")),
    Shot("operations-retention", "staff", at("/staff/retention/curves")),
    Shot("operations-audit", "staff", at("/staff/audit")),
    Shot("operations-people", "staff", at("/staff/people")),
)


def main() -> None:
    """Take them, and say how many and how large."""
    browser_path = chromium_here()
    if browser_path is None:
        raise SystemExit(NO_BROWSER)
    words = sys.argv[1:]
    wanted = [shot for shot in SHOTS if not words or any(word in shot.name for word in words)]
    FOLDER.mkdir(parents=True, exist_ok=True)
    logs.init(as_json=True, level=50)
    with ExitStack() as stack:
        stack.enter_context(_the_same_luck())
        stack.enter_context(clock.stopped(AT))
        config = stack.enter_context(_servers())
        world = World(create_app(config), config)
        given_run(world.programme, simulated())
        address = stack.enter_context(served(world.app))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        for language in ("zh-CN", "en"):
            _take(browser, world, address, language, wanted)
        browser.close()
    files = [FOLDER / f"{shot.name}.{language}.png" for shot in wanted for language in ("zh-CN", "en")]
    size = sum(file.stat().st_size for file in files)
    sys.stdout.write(f"{len(files)} pictures, {size / 1e6:.1f} MB, in {FOLDER}\n")


def _take(browser: Browser, world: World, address: str, language: str, wanted: list[Shot]) -> None:
    """All screens in a language; each face is one person's browser."""
    pages: dict[str, Page] = {}
    for shot in wanted:
        if shot.face not in pages:
            on_a_phone = shot.face in (MEMBER, "till")
            context = browser.new_context(
                base_url=address, locale=language, viewport=PHONE if on_a_phone else DESK,
                color_scheme="light", reduced_motion="reduce",
            )  # fmt: skip
            context.add_cookies(
                [
                    {"name": name, "value": value, "url": address}
                    for name, value in world.cookies(shot.face).items()
                ]
            )
            pages[shot.face] = context.new_page()
            pages[shot.face].clock.set_fixed_time(AT)
        page = pages[shot.face]
        shot.come(world, page)
        page.evaluate("() => document.activeElement?.blur()")
        page.wait_for_load_state("networkidle")
        file = FOLDER / f"{shot.name}.{language}.png"
        file.write_bytes(smaller(page.screenshot()))


@contextmanager
def _servers() -> Iterator[Config]:
    """A migrated database in a folder of its own, and this process wired to it."""
    with tempfile.TemporaryDirectory(prefix="jifen-screens-") as folder:
        os.environ["JIFEN_DATA"] = folder
        started = local.start(Path(folder) / "servers", durable=False)
        try:
            schema.migrate(started.owner_url)
            config = Config.from_env().at(
                database_url=started.database_url, database_owner_url=started.owner_url, redis_url=started.redis_url,
                billing_url=NOWHERE, ordering_url=NOWHERE, fulfilment_url=NOWHERE,
                secret_key=SAME, seal_key=SAME, code_above_points=10**12, code_above_fen=10**12,
            )  # fmt: skip
            wire(config)
            yield config
        finally:
            local.remove(started.data_dir)


@contextmanager
def _the_same_luck() -> Iterator[None]:
    """Ids and codes in the same order in each run."""
    numbers, luck = count(ids.at_least(AT), ids.EACH_MS), random.Random(12_03)
    with (
        mock.patch.object(ids, "new_id", numbers.__next__),
        mock.patch.object(secrets, "choice", luck.choice),
    ):
        yield


if __name__ == "__main__":
    main()
