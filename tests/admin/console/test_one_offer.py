"""One offer in the console: its versions, its figures, paused by one person and ended by another who types its code."""

from base import ids
from tests.admin.console.test_approvals import browser, send
from tests.given import given_offer, given_programme


def test_an_offer_is_paused_by_one_person_and_ended_by_another_who_names_it(app, db):
    offer = given_offer(given_programme(), "bill_credit", value_fen=1000)
    path = f"/staff/offers/{ids.public('off', offer.offer_id)}"
    maker, checker = browser(app, "editor"), browser(app, "checker")

    first = maker.get(path).text
    paused = send(maker, path, f"{path}/pause", reason="a wrong price")
    own = maker.get(path).text
    wrong = send(checker, path, f"{path}/end", reason="over", code="another")
    ended = send(checker, path, f"{path}/end", reason="over", code=offer.code)
    late = maker.get(path).text

    assert "100 points as bill credit" in first
    assert (paused.status_code, wrong.status_code, ended.status_code) == (303, 422, 303)
    assert "Who paused it does not end it" in own
    assert "a wrong price" in own
    assert "Type the code of this offer" in wrong.text
    assert f"{path}/resume" not in late
    assert "Change this offer" not in late
