"""A staff member steers the catalogue from bill credit towards merchants, over the API: draft, replay, second person, new price."""

from datetime import timedelta

from base import clock, jobs
from tests.given import (
    ZONE,
    caller,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    staff_token,
)


def test_from_eighty_one_percent_of_bill_credit_towards_merchants_with_replay_and_approval(app, db):
    programme, shop = given_programme(), given_shop()
    merchant_id = shop.merchant.merchant_id
    offers = {
        "bill_credit": given_offer(programme, "bill_credit", value_fen=8_100, cost_fen=8_100),
        "voucher": given_offer(
            programme, "voucher", merchant_id=merchant_id, value_fen=1_600, cost_fen=1_360
        ),
        "perk": given_offer(programme, "perk", value_fen=200, cost_fen=150),
    }
    with clock.stopped(clock.now() - timedelta(days=40)):
        member_id = given_member(db, programme, points=20_000)
        member = caller(app, member_token(member_id))
        for offer in offers.values():
            assert member.redeem(offer).status_code == 201
    tomorrow = clock.day(clock.now() + timedelta(days=1), ZONE)
    rows = [
        {"kind": "voucher", "from_day": str(tomorrow), "points": 70, "per_fen": 100},
        {"kind": "bill_credit", "from_day": str(tomorrow), "points": 125, "per_fen": 100},
    ]
    maker, checker = (caller(app, staff_token(role)) for role in ("editor", "checker"))

    draft = maker.post(
        "/v1/rates/proposals", {"programme": "gotone", "rows": rows, "reason": "towards merchants"}
    ).json
    decide = {"content_hash": draft["content_hash"]}
    unseen = checker.post(f"/v1/rates/proposals/{draft['id']}/approve", decide)
    asked = maker.post("/v1/replays", {"proposal": draft["id"], "months": 3}).json
    jobs.drain(db.database_url)
    replay = checker.get(f"/v1/replays/{asked['id']}").json
    own = maker.post(f"/v1/rates/proposals/{draft['id']}/approve", decide)
    approved = checker.post(f"/v1/rates/proposals/{draft['id']}/approve", decide)

    assert (unseen.status_code, unseen.json["type"]) == (409, "/problems/replay-missing")
    assert (replay["state"], replay["progress_percent"], replay["content_hash"]) == (
        "done",
        100,
        draft["content_hash"],
    )
    assert (own.status_code, approved.status_code) == (403, 200), (own.json, approved.json)
    report = replay["report"]
    assert "assumed unchanged" in report["assumption"]["en"]
    assert {row["heap"]: (row["points_then"], row["points_new"]) for row in report["mix"]} == {
        "mall": (1_600, 1_120),
        "bill_credit": (8_100, 10_125),
        "club": (200, 200),
        "new_services": (0, 0),
        "unattributed": (0, 0),
    }
    assert {(warning["what"], warning["code"]) for warning in report["warnings"]} == {
        ("premium-negative", offers["bill_credit"].code),
        ("cost-above-worth", offers["voucher"].code),
    }
    member = caller(app, member_token(member_id))
    today = {kind: member.quote(offer).json["price_points"] for kind, offer in offers.items()}
    with clock.stopped(clock.now() + timedelta(days=1)):
        then = {kind: member.quote(offer).json for kind, offer in offers.items()}
    assert today == {"bill_credit": 8_100, "voucher": 1_600, "perk": 200}
    assert {kind: quote["price_points"] for kind, quote in then.items()} == {
        "bill_credit": 10_125,
        "voucher": 1_120,
        "perk": 200,
    }
    assert (then["bill_credit"]["is_worth_less"], then["voucher"]["is_worth_less"]) == (True, False)
    assert then["voucher"]["fen_per_100_points"] == 142
