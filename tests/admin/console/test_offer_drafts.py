"""The editor of offers: what is typed becomes content and back, what is wrong stands at its field, nobody overwrites unseen."""

import io

import pytest

from admin.console.offer_drafts import parts, starting, told, typed
from base import database, ids
from base.web.i18n import speaking
from catalog.offers.models import VOUCHER, OfferState
from catalog.publishing.faults import MissingTranslation, OfferIncomplete
from catalog.publishing.models import OfferDraft
from catalog.publishing.steps import CONTENT, RULES, STEPS, Step
from catalog.redemptions import courses
from tests.admin.console.test_approvals import browser, hidden, send
from tests.catalog.publishing.setting_up import WHOLE
from tests.given import ZONE, given_offer, given_programme, given_shop

WHOLE_PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
RICH = {
    **WHOLE,
    "from_at": "2030-01-01T00:00:00+00:00",
    "limits": [{"most": 2, "of": "member", "per": {"days": 30}}, {"most": 9, "of": "all", "per": "month"}],
    "cash_choices": [500, 250],
    "approval_class": "extension",
    "case": {"member": "mbr_0", "reason": "a rival", "expected": "stays"},
    "form": {"type": "value", "uses_a_day": 2, "least_spend_fen": 3050, "hours": [{"weekdays": [1, 7], "from": "10:00"}]},
    "eligibility": {
        "areas": ["3301", "3302"], "tiers": ["gold"], "channels": ["hall"], "interests": ["golf"], "lines": ["active"],
        "contacts": [{"class": "a", "rank": "senior"}, {"class": "top"}], "arpu_fen": {"from": 5000}, "risk": [2, 3],
        "tenure_months": 6, "birthday_month": True, "member_days": {"days": [8, 18], "weekdays": [5]},
        "hours": [{"weekdays": [1], "from": "09:00", "until": "18:00"}, {"from": "20:00"}],
        "closed": [{"from": "2030-02-01", "to": "2030-02-07"}, {"from": "2030-10-01"}],
    },
}  # fmt: skip


def every_part(kind):
    return [part for step in STEPS for part in parts.of(step, kind, is_new=True)]


def test_what_is_shown_of_a_content_is_read_back_as_the_same_content():
    shown = typed.shown(every_part(VOUCHER), RICH, ZONE)

    changes, wrong = typed.read(VOUCHER, every_part(VOUCHER), shown, RICH, ZONE)

    assert wrong == {}
    assert {name: value for name, value in changes.items() if value is not None} == RICH
    assert shown["from_at"] == ["2030-01-01T08:00"]


@pytest.mark.parametrize("kind", starting.STARTS)
def test_every_kind_has_a_card_that_its_own_fields_can_show(kind, app):
    content = starting.STARTS[kind].content

    shown = typed.shown(every_part(kind), content, ZONE)
    changes, wrong = typed.read(kind, every_part(kind), shown, content, ZONE)

    assert kind in [course.kind for course in courses.every()]
    assert wrong == {}
    assert {name: value for name, value in changes.items() if value != content.get(name)} == {}


def test_what_the_page_has_no_field_for_stays_and_what_cannot_be_read_is_named():
    of = parts.of("cost", VOUCHER, is_new=True)

    changes, wrong = typed.read(VOUCHER, of, {"value_fen": ["ten"], "cost_fen": ["8.50"]}, RICH, ZONE)

    assert set(wrong) == {"value_fen"}
    assert changes["cost_fen"] == 850
    assert changes["form"] == RICH["form"]


def test_a_share_of_the_bill_says_itself_what_it_is_worth():
    values = {
        "form.type": ["percent"],
        "form.percent": ["20"],
        "form.cap_fen": ["30"],
        "form.usual_bill_fen": ["100"],
    }

    changes, wrong = typed.read(VOUCHER, parts.of(RULES, VOUCHER, is_new=True), values, {}, ZONE)

    assert wrong == {}
    assert (changes["value_fen"], changes["form"]["percent"]) == (2_000, 20)


def test_a_fault_stands_at_the_step_that_has_its_field():
    found = [
        Step(CONTENT, (MissingTranslation(field="names.en"),)),
        Step(RULES, (OfferIncomplete(field="voucher_days"), OfferIncomplete(field="limits/0"), OfferIncomplete(field="elsewhere"))),
    ]  # fmt: skip

    with speaking("en"):
        said = told.of(found, VOUCHER, is_new=True)

    assert set(said[CONTENT].by_field) == {"names.en"}
    assert set(said["resource"].by_field) == {"voucher_days"}
    assert set(said[RULES].by_field) == {"limits"}
    assert len(said[RULES].others) == 1


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def maker(app, programme, shop):
    return browser(app, "editor")


def begun(maker, **more):
    fields = {"kind": "voucher", "programme": "gotone", "code": "tea-10"} | more
    answer = send(maker, "/staff/offer-drafts/new", "/staff/offer-drafts", **fields)
    assert answer.status_code == 303, answer.text
    return answer.location.removesuffix("/content")


def test_who_saves_what_was_changed_meanwhile_sees_both_and_may_save_again(maker):
    place = begun(maker)
    step = f"{place}/content"
    old = hidden(maker.get(step).text, step)
    texts = {"names.zh-CN": "茶", "names.en": "Tea", "category": "dining"}

    first = maker.post(step, data=old | texts)
    late = maker.post(step, data=old | texts | {"key": "another", "names.en": "Green tea"})
    again = maker.post(step, data=hidden(late.text, step) | texts | {"names.en": "Green tea"})

    assert (first.status_code, late.status_code, again.status_code) == (303, 409, 303)
    (listed,) = maker.get("/staff/offer-drafts?csv=1").text.splitlines()[1:]
    assert listed.split(",")[:6] == [place.rpartition("/")[2], "tea-10", "Green tea", "voucher", "0", "1"]
    assert "茶 / Tea" in late.text
    assert "茶 / Green tea" in late.text
    with database.begin() as session:
        assert session.query(OfferDraft).one().content["names"]["en"] == "Green tea"


def test_a_picture_is_sent_with_the_step_and_what_is_none_is_refused(maker):
    step = f"{begun(maker)}/content"

    kept = maker.post(
        step, data=hidden(maker.get(step).text, step) | {"picture": (io.BytesIO(WHOLE_PNG), "tea.png")}
    )
    refused = maker.post(
        step, data=hidden(maker.get(step).text, step) | {"picture": (io.BytesIO(b"no"), "tea.gif")}
    )

    assert (kept.status_code, refused.status_code) == (303, 422)
    assert "neither a PNG nor a JPEG" in refused.text
    with database.begin() as session:
        assert len(session.query(OfferDraft).one().content["pictures"]) == 1


def test_others_read_a_draft_and_change_nothing_and_a_missing_step_is_not_proposed(app, maker):
    place, other = begun(maker), browser(app, "editor", "analyst")

    seen, edit = other.get(place).text, other.get(f"{place}/rules")
    fields = {"key": "a", "revision": hidden(maker.get(place).text, f"{place}/discard")["revision"]}
    theirs, mine = (hidden(client.get(place).text, "/staff/sign-out") | fields for client in (other, maker))
    taken, proposed = other.post(f"{place}/rules", data=theirs), maker.post(f"{place}/propose", data=mine)
    thrown = send(maker, place, f"{place}/discard")

    assert "only its maker changes it" in seen
    assert (edit.status_code, edit.location) == (303, place)
    assert (taken.status_code, proposed.status_code, thrown.status_code) == (403, 422, 303)


def test_a_copy_takes_everything_but_the_code_and_a_change_is_a_draft_of_the_same_offer(maker, programme):
    offer = given_offer(programme, "bill_credit", value_fen=1000)
    version, path = ids.public("ofv", offer.version_id), f"/staff/offers/{ids.public('off', offer.offer_id)}"
    form = f"/staff/offer-drafts/new?version={version}"

    taken = send(maker, form, "/staff/offer-drafts", code=offer.code)
    copied = send(maker, form, "/staff/offer-drafts", code="another")
    changed = send(maker, path, "/staff/offer-drafts")

    assert (taken.status_code, copied.status_code, changed.status_code) == (409, 303, 303)
    with database.begin() as session:
        copy, change = session.query(OfferDraft).order_by(OfferDraft.draft_id).all()
        assert (copy.code, copy.offer_id, copy.content["value_fen"]) == ("another", None, 1000)
        assert (change.code, change.offer_id) == (offer.code, offer.offer_id)
        assert session.query(OfferState).count() == 1


def test_the_list_is_narrowed_by_its_address_and_the_file_is_the_same_list(maker, programme, shop):
    names = {"zh-CN": "龙井茶券", "en": "Tea voucher"}
    tea = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, names=names)
    credit = given_offer(programme, "bill_credit", state="paused")

    for asked in ("kind=voucher", "state=live", "merchant=tea", "q=龙井", "q=TEA+voucher"):
        page, sheet = (maker.get(f"/staff/offers?{asked}{more}").text for more in ("", "&csv=1"))
        assert (tea.code in page, credit.code in page) == (True, False), asked
        assert (tea.code in sheet, credit.code in sheet) == (True, False), asked
    assert credit.code in maker.get("/staff/offers?state=paused").text
    assert maker.get("/staff/offers?merchant=nobody").status_code == 404
