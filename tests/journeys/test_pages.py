"""Every page that the URL map knows, in both languages: readable by everybody, at any width, with nothing from elsewhere."""

import sys

import pytest

from admin.console.approvals.pages import KINDS
from tests.journeys.conftest import DESK, PHONE, sound
from tests.journeys.tills import axe
from tests.journeys.walk import FACES, MEMBER, Walk
from tests.journeys.world import World

pytestmark = pytest.mark.browser

ZOOMED = 640  # a desk of 1280 at 200 %
# Each language in a scheme and at widths: English is the longer one, so that it is zoomed; both are read on phone and desk.
LANGUAGES = {"en": ("dark", (PHONE, ZOOMED, DESK)), "zh-CN": ("light", (PHONE, DESK))}
NO_WORKER = 'Object.defineProperty(navigator, "serviceWorker", { value: undefined });'
# Rules that no walk comes to: what shows them otherwise.
ELSEWHERE = {
    "/merchant/developers/deliveries/<delivery>": "test_developers.py sends one",
    "/merchant/developers/webhooks/<receiver>": "test_developers.py adds one",
    "/staff/offer-drafts/<draft>": "test_offers.py begins one",
    "/staff/offer-drafts/<draft>/<any(content,rules,resource,stock,cost):step>": "test_offers.py goes through its five steps",
    "/staff/rates/<rate>/revert": "test_offers.py goes back to an earlier version",
    "/staff/replays/<replay>": "test_replays.py asks for one",
    "/staff/worth/reports/<period>": "a file",
    "/staff/worth/runs/<run>": "test_worth.py takes figures",
    "/account/exports/<export>": "a file",
    "/merchant/campaigns/<campaign>": "tests/app/merchant proposes one",
    "/merchant/campaigns/<campaign>/change": "tests/app/merchant proposes one",
    "/offers/<offer>/share": "test_shop.py shares one",
    "/s/<code>": "test_shop.py opens one",
    "/s/<code>/open": "leads on to the offer",
    "/staff/campaigns/<campaign>": "tests/catalog/campaigns take one over",
    "/staff/care/tasks/<task>": "test_care.py does one",
    "/staff/imports/<said>": "test_imports.py sends one",
    "/staff/imports/<said>/errors.csv": "a file",
    "/staff/imports/<said>/progress": "a part of that page",
    "/staff/people/<person>/link": "test_access.py lets somebody in",
    "/staff/second-factor": "test_access.py signs in in two steps",
    "/staff/sign-in/single": "leads to the issuer; tests/admin/staff follow it",
    "/staff/sign-in/single/return": "the issuer leads here",
}
# Every kind of proposal is shown by one page; those of the demo and of `World` are opened.
A_PROPOSAL = "/<proposal>"
ANSWERS = (
    "/owner-invitations",
    "/renew",
    "/role",
    "/pairing",
    "/changed",
    "/pictures",
)  # of a form or a fragment


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("languages", "at"),
    [
        pytest.param(("en",), (PHONE,), id="narrow"),
        pytest.param(("zh-CN", "en"), None, marks=pytest.mark.torture, id="both"),
    ],
)
def test_every_page_of_every_face_is_sound(visit, app, db, languages, at):
    world, found, left = World(app, db), [], set()

    for face in ("till", MEMBER, *sorted(set(FACES) - {"till"})):
        page = visit("/problems", width=PHONE, cookies=world.cookies(face))
        page.context.add_init_script(NO_WORKER)
        addresses = world.more(face, page)
        for language in languages:
            scheme, widths = LANGUAGES[language]
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.goto(f"/problems?lang={language}")
            walk = Walk(app, face, page, without=ELSEWHERE)
            for _ in walk.pages(addresses):
                found += wrong_with(page, language, at or widths, contrast=at is None and language == "en")
            found += walk.refused
            left |= walk.left
            sys.stdout.write(f"{face}, {language}: {len(walk.opened)} pages\n")
            addresses = walk.opened  # in the other language the very same

    assert not found, "\n".join(found)
    assert sum(rule.endswith(A_PROPOSAL) for rule in left) < len(KINDS) - 5
    missed = {rule for rule in left if not rule.endswith((*ANSWERS, A_PROPOSAL))} - set(ELSEWHERE)
    assert not missed, f"no link and no address in {World.__name__}.more leads to {sorted(missed)}"


def wrong_with(page, language, widths, *, contrast):
    """What a reader would stumble over, in words."""
    wrong = []
    for look in (lambda: sound(page, language, widths=widths), lambda: axe(page, contrast=contrast)):
        try:
            look()
        except AssertionError as fault:
            wrong.append(str(fault))
    page.set_viewport_size({"width": PHONE, "height": 800})
    return wrong
