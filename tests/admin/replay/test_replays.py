"""A replay says what a draft would have done, to the point; bound to its content, broken off and taken up, done once."""

import json
from datetime import timedelta
from unittest.mock import patch

import pytest

from admin.replay import counting, guard, job, runs, telling
from admin.replay.guard import ReplayMissing
from admin.replay.models import RUNNING
from base import clock, database, ids, jobs
from base.approvals import approvals
from base.approvals.approvals import OtherContent
from catalog.publishing import drafts
from catalog.publishing import proposals as offer_proposals
from catalog.rates import rates
from catalog.rates.rates import Row
from catalog.rates.scopes import GENERAL, Scope
from points import bills, factors, policies, programmes
from points.bills import BillLineIn
from points.earn_rules import earn_rules
from points.members import attributes, members
from points.members.members import Enrolment
from tests.admin.replay.replaying import (
    SOON,
    TODAY,
    approve,
    asked,
    offered,
    proposed,
    redeemed,
    replayed,
)
from tests.catalog.publishing.setting_up import proposed_draft, versions
from tests.given import (
    LONG_AGO,
    ZONE,
    caller,
    given_adjustment,
    given_area,
    given_member,
    given_offer,
    given_person,
    given_programme,
    given_shop,
    given_tier,
    secrets_of,
    staff_token,
)
from tests.points.test_ledger import at_once

CHEAPER = Row(Scope(kind="perk"), SOON, 80, 100)


@pytest.fixture
def programme(db):
    """General rate 100 points for 1 yuan, and tiers and areas that somebody has."""
    return given_programme()


@pytest.fixture
def past(db, programme):
    """Gold in Hangzhou took a perk and a voucher, plain elsewhere two vouchers, a third one's perk was too long ago."""
    shop = given_shop()
    perk = given_offer(programme, "perk", value_fen=1000, cost_fen=900)
    voucher = given_offer(
        programme, "voucher", value_fen=2000, cost_fen=1900, merchant_id=shop.merchant.merchant_id
    )
    gold, plain, late = (given_member(db, programme, points=9_000) for _ in range(3))
    given_tier(given_area(gold, "330106"), "gold")
    with database.begin() as session:
        attributes.add_many(session, {(plain, attributes.ARPU, LONG_AGO): "8800"})
    redeemed(gold, perk, 10)
    redeemed(gold, voucher, 20)
    redeemed(plain, voucher, 30, units=2)
    redeemed(late, perk, 120)
    redeemed(late, perk, 0)
    return {"perk": perk, "voucher": voucher, "gold": gold, "plain": plain, "late": late}


def test_by_hand_the_points_of_each_are_those_of_the_draft_and_nothing_else_moves(programme, past):
    report = replayed(proposed(CHEAPER, Row(Scope(kind="voucher", tier="gold"), SOON, 150, 100)))

    # perk 1000 -> 800; gold's voucher 2000 -> 3000; plain's two vouchers stay 4000
    assert report["redeemed"] == {"redemptions": 3, "points_then": 7000, "points_new": 7800}
    assert report["liability"] == {
        "points_outstanding": 27_000 - 7000 - 2000,
        "points_change": -800,
        "fen_change": -800,
        "fen_by_points": -800,
        "fen_by_revaluation": 0,
        "general_rate_then": {"points": 100, "per_fen": 100},
        "general_rate_new": {"points": 100, "per_fen": 100},
    }
    assert report["cost"] == {"fen_then": 900 + 3 * 1900, "fen_new": 900 + 3 * 1900}
    assert report["merchants"] == {"fen_then": 5400, "fen_new": 5400}  # 90 % of three vouchers of 20 yuan
    assert report["impossible"] == {"redemptions": 0, "points": 0}
    shares = ("points_then", "points_new", "share_bp_then", "share_bp_new")
    assert {one["heap"]: [one[name] for name in shares] for one in report["mix"]} == {
        "mall": [6000, 7000, 8571, 8974],
        "bill_credit": [0, 0, 0, 0],
        "club": [1000, 800, 1428, 1025],
        "new_services": [0, 0, 0, 0],
        "unattributed": [0, 0, 0, 0],
    }
    assert report["members"] == {"members": 2, "better": 0, "worse": 1, "same": 1}
    rows = {
        what: {
            one["key"]: (one["better"], one["worse"], one["same"], one["points_then"], one["points_new"])
            for one in some
        }
        for what, some in report["segments"].items()
    }
    assert rows == {
        "tier": {"": (0, 0, 1, 4000, 4000), "gold": (0, 1, 0, 3000, 3800)},
        "area": {"": (0, 0, 1, 4000, 4000), "33": (0, 1, 0, 3000, 3800)},
        "class": {"": (0, 1, 1, 7000, 7800)},
        "arpu": {"": (0, 1, 0, 3000, 3800), "1": (0, 0, 1, 4000, 4000)},
    }
    assert [(one["code"], one["points_new"] - one["points_then"]) for one in report["movers"]] == [
        (past["voucher"].code, 1000), (past["perk"].code, -200),
    ]  # fmt: skip
    # the perk costs 9 yuan and takes points worth 8; the voucher was worth 20 a piece and takes 23.33
    assert [(one["code"], one["what"], one["fen"], one["points_worth_fen"]) for one in report["warnings"]] == [
        (past["perk"].code, "cost-above-worth", 900, 800),
        (past["voucher"].code, "premium-negative", 6000, 7000),
    ]  # fmt: skip
    assert report["assumption"]["zh-CN"].startswith("假设会员行为不变")
    assert report["assumption"]["en"].startswith("Behaviour assumed unchanged")
    assert report["until_day"] == str(TODAY - timedelta(days=1))


def test_a_new_general_rate_values_all_points_anew(programme, past):
    report = replayed(proposed(Row(GENERAL, SOON, 80, 100), Row(GENERAL, SOON + timedelta(days=9), 90, 100)))

    assert report["redeemed"]["points_new"] == 5600
    assert report["liability"]["points_change"] == 1400
    assert report["liability"]["fen_by_points"] == 1750
    assert report["liability"]["fen_by_revaluation"] == 18_000 * 100 // 80 - 18_000
    assert (report["members"]["better"], report["members"]["worse"]) == (2, 0)
    assert report["rows_left_out"] == 1


def test_a_draft_of_an_offer_changes_cost_value_and_what_can_be_had_and_keeps_the_rate_of_each(
    programme, past
):
    voucher = past["voucher"]
    other = given_shop("soup")
    with database.begin() as session:
        rates.add(
            session, programme.programme_id, TODAY, points=1, per_fen=100
        )  # too late to matter to the past

    report = replayed(
        offered(voucher, value_fen=3000, cost_fen=100, most_units=1, merchant=other.merchant.code)
    )
    unpriced = replayed(offered(None, value_fen=500, cost_fen=600))

    # the perk stays; gold's voucher is worth 30 yuan for 3000 points; plain's two at once are not possible any more
    assert report["redeemed"] == {"redemptions": 3, "points_then": 7000, "points_new": 1000 + 3000}
    assert report["impossible"] == {"redemptions": 1, "points": 4000}
    assert report["cost"] == {"fen_then": 6600, "fen_new": 900 + 100}
    assert report["merchants"] == {"fen_then": 5400, "fen_new": 2700}
    assert report["members"] == {"members": 2, "better": 0, "worse": 1, "same": 1}
    assert report["drafted"] == {
        "code": voucher.code, "is_new": False, "price_points": 3000, "value_fen": 3000, "cost_fen": 100,
    }  # fmt: skip
    assert unpriced["redeemed"]["points_new"] == unpriced["redeemed"]["points_then"] == 7000
    assert unpriced["drafted"]["is_new"]
    assert [(one["code"], one["what"]) for one in unpriced["warnings"]] == [("brand-new", "cost-above-worth")]


def test_a_version_of_an_offer_goes_from_its_draft_over_the_replay_into_force(db, programme):
    with clock.stopped(clock.now() - timedelta(days=50)):
        approve(proposed_draft()[1])  # nothing was redeemed yet
        [first] = versions()
    redeemed(given_member(db, programme, points=9_000), first, 5)
    with database.begin() as session:
        draft = drafts.begin_from(session, maker := given_person("editor"), first.offer_id)
        edited = drafts.edit(
            session, maker, draft.draft_id, 1, {"value_fen": 1500, "cost_fen": 1600}, clock.now()
        )
        proposal = offer_proposals.propose(session, maker, edited.draft_id, 2, clock.now())[1].proposal

    with pytest.raises(ReplayMissing):
        approve(proposal)
    report = replayed(proposal)
    approve(proposal)

    assert report["redeemed"] == {"redemptions": 1, "points_then": 1000, "points_new": 1500}
    assert report["cost"] == {"fen_then": 1000, "fen_new": 1600}
    assert report["members"]["same"] == 1  # worth as much more as it takes
    assert [
        (one["what"], one["fen"], one["points_worth_fen"], one["was_so"]) for one in report["warnings"]
    ] == [("cost-above-worth", 1600, 1500, False)]
    assert [one.value_fen for one in versions()] == [1000, 1500]


def test_an_offer_without_a_rate_has_no_price_and_an_empty_past_gives_an_empty_report(db, programme):
    with database.begin() as session:
        names = {"zh-CN": "无", "en": "Bare"}
        bare = programmes.create(session, "bare", names, zone=ZONE, currency="CNY")
    report = replayed(offered(None, programme=bare.code))

    assert [one["what"] for one in report["warnings"]] == ["no-price"]
    assert report["drafted"]["price_points"] is None
    assert report["redeemed"] == {"redemptions": 0, "points_then": 0, "points_new": 0}
    assert report["liability"]["fen_change"] == 0
    assert report["liability"]["general_rate_then"] is None
    assert report["segments"] == {"tier": [], "area": [], "class": [], "arpu": []}
    assert [part["share_bp_new"] for part in report["mix"]] == [0] * 5


def test_earn_rules_are_replayed_over_bill_lines_each_with_its_own_factors(db, programme):
    customers = [Enrolment(name, LONG_AGO) for name in ("C1", "C2", "C3")]
    with database.begin() as session:
        ids_of = members.enrol_many(session, programme, secrets_of(db), customers)
    given_tier(ids_of["C1"], "gold")
    with database.begin() as session:
        factors.add(session, programme.programme_id, "tier", LONG_AGO, 150, tier="gold")
    lately, before = TODAY - timedelta(days=40), TODAY - timedelta(days=140)
    lines = [
        BillLineIn("C1", "B1", 1, lately, "plan", 12_345, 46),  # 122.99 * 1.5 = 184
        BillLineIn("C1", "B1", 2, lately, "data", 5_000),
        BillLineIn("C2", "B2", 1, lately, "plan", 9_950),  # 99
        BillLineIn("C2", "B0", 1, before, "plan", 10_000),
        BillLineIn("C3", "B3", 1, lately, "plan", 50),  # nothing, then and now
    ]
    with database.begin() as session:
        bills.post_lines(session, programme, policies.load(session, programme.programme_id), lines)
        rows = (earn_rules.Row("plan", SOON, 2, 150), earn_rules.Row("plan", SOON + timedelta(days=9), 1, 1))
        wanted = earn_rules.Wanted("gotone", rows, "less")
        proposal = earn_rules.propose(session, given_person("editor"), wanted, clock.now()).proposal

    report = replayed(proposal)

    # 12 299 fen * 2 / 150 * 1.5 = 245.98; 9 950 * 2 / 150 = 132.67
    assert report["earned"] == {"lines": 3, "points_then": 184 + 99, "points_new": 245 + 132}
    assert report["line_types"] == [{"line_type": "plan", "lines": 3, "points_then": 283, "points_new": 377}]
    assert report["members"] == {"members": 3, "better": 2, "worse": 0, "same": 1}
    assert report["liability"]["points_change"] == report["liability"]["fen_change"] == 94
    assert report["rows_left_out"] == 1
    assert "mix" not in report
    approve(proposal)  # what bills earn is replayed by whoever likes to


def test_killed_in_between_it_goes_on_with_the_part_it_was_in_and_twice_is_the_same(programme, past, cli):
    proposal = proposed(CHEAPER)
    with patch.object(runs, "PART", 1), database.begin() as session:
        run = runs.divided(session, asked(proposal).replay_id)
    whole = replayed(proposed(CHEAPER, reason="again"))
    seen = []

    def killed_in_the_second(session, change, window, gain):
        seen.append(window.low)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return part(session, change, window, gain)

    part = counting.part
    with patch.object(counting, "part", killed_in_the_second), pytest.raises(KeyboardInterrupt):
        job.run(run.replay_id)
    with database.begin() as session:
        broken = runs.find(session, run.replay_id)
    told = cli("replay", approvals.reference(proposal.proposal_id), "--json")
    again = cli("replay", approvals.reference(proposal.proposal_id), "--json", "--quiet")

    assert len(run.ends) == 4
    assert (broken.state, broken.parts_done, broken.progress_percent) == (RUNNING, 1, 25)
    assert told.exit_code == again.exit_code == 0
    assert "replay: parts" in told.stderr
    assert told.stdout == again.stdout
    report = json.loads(told.stdout)["report"]
    same = report | {"proposal": whole["proposal"], "content_hash": whole["content_hash"]}
    assert json.dumps(same, sort_keys=True) == json.dumps(whole, sort_keys=True)
    with database.begin() as session:
        assert runs.step(session, run.replay_id).report == report
    assert asked(proposal).replay_id == run.replay_id
    assert "warning" in cli("replay", approvals.reference(proposal.proposal_id)).stdout


def test_two_at_once_do_each_part_once(programme, past):
    proposal = proposed(CHEAPER)
    with patch.object(runs, "PART", 1), database.begin() as session:
        run = runs.divided(session, asked(proposal).replay_id)
    counted = []

    def noted(session, change, window, gain):
        counted.append(window.low)
        return part(session, change, window, gain)

    part = counting.part
    with patch.object(counting, "part", noted):
        at_once(2, lambda number: job.run(run.replay_id))

    assert sorted(counted) == [0, *run.ends[:-1]]
    assert replayed(proposal)["redeemed"] == {"redemptions": 3, "points_then": 7000, "points_new": 6800}


def test_without_a_replay_of_its_very_content_it_is_not_approved(programme, past):
    first, edited = proposed(CHEAPER), proposed(Row(Scope(kind="perk"), SOON, 85, 100))
    run = asked(first)
    with pytest.raises(ReplayMissing) as refused:
        approve(first)
    job.run(run.replay_id)

    with pytest.raises(ReplayMissing):
        approve(edited)
    person, seen = given_person("checker"), edited.content_hash.hex()
    with database.begin() as session, pytest.raises(OtherContent):
        approvals.approve(session, person, first.proposal_id, seen, clock.now())
    approve(first)

    assert "jifen replay" in refused.value.next_step("en")
    with database.begin() as session:
        assert [one.points for one in rates.versions(session, programme.programme_id)] == [100, 80]
        assert approvals.by_id(session, edited.proposal_id).decision is None


def test_where_nothing_was_redeemed_before_today_none_is_asked_for(db, programme):
    perk = given_offer(programme, "perk")
    redeemed(given_member(db, programme, points=5000), perk, 0)

    approve(proposed(CHEAPER))

    with database.begin() as session:
        assert not guard.has_past(session, programme, clock.now())
        assert len(rates.versions(session, programme.programme_id)) == 2


def test_over_http_it_is_asked_for_once_done_by_the_worker_and_shown_beside_the_proposal(
    app, db, programme, past
):
    proposal = proposed(CHEAPER)
    named = approvals.reference(proposal.proposal_id)
    checker = caller(app, staff_token("checker"))
    first = checker.post("/v1/replays", {"proposal": named, "months": 2}, key="k")
    again = checker.post("/v1/replays", {"proposal": named, "months": 2}, key="k")
    waiting = checker.get(f"/v1/replays/{first.json['id']}").json

    jobs.drain(db.database_url)
    done = checker.get(f"/v1/replays/{first.json['id']}").json
    beside = checker.get(f"/v1/rates/proposals/{named}").json

    assert first.status_code == again.status_code == 202
    assert first.json == again.json
    assert (waiting["state"], waiting["progress_percent"], waiting["report"]) == ("waiting", 0, None)
    assert (done["state"], done["progress_percent"], done["months"]) == ("done", 100, 2)
    assert done["report"]["assumption"] == telling.ASSUMPTION
    assert done["content_hash"] == proposal.content_hash.hex()
    assert beside["replays"] == [done]
    assert "replays" not in caller(app, staff_token("support")).get(f"/v1/rates/proposals/{named}").json
    assert checker.get("/v1/rates/proposals").json["data"][0].get("replays") is None


def test_for_the_staff_of_an_area_and_for_other_proposals_there_is_none(app, db, programme, past):
    run = asked(proposed(CHEAPER))
    job.run(run.replay_id)
    given_adjustment(past["gold"], 10)
    with database.begin() as session:
        adjustment = approvals.listed(session, ["adjustment"], clock.now(), limit=1)[0].proposal.proposal_id
    here, everywhere = staff_token("checker", "editor", area="44"), staff_token("checker")
    rates_proposal = approvals.reference(run.proposal_id)

    def ask(token, proposal, **more):
        return caller(app, token).post("/v1/replays", {"proposal": proposal} | more)

    told = {
        "read": caller(app, here).get(f"/v1/replays/{runs.reference(run.replay_id)}"),
        "beside": caller(app, here).get(f"/v1/rates/proposals/{rates_proposal}"),
        "ask": ask(here, rates_proposal),
        "another area's": ask(here, approvals.reference(adjustment)),
        "another kind": ask(everywhere, approvals.reference(adjustment)),
        "nothing": ask(everywhere, ids.public("apr", 1)),
        "no months": ask(everywhere, rates_proposal, months=0),
    }

    assert {
        name: (one.status_code, (one.json.get("type") or "").rpartition("/")[2]) for name, one in told.items()
    } == {
        "read": (404, "replay-unknown"),
        "beside": (200, ""),
        "ask": (403, "for-headquarters"),
        "another area's": (404, "proposal-unknown"),
        "another kind": (404, "not-replayed"),
        "nothing": (404, "proposal-unknown"),
        "no months": (422, "invalid"),
    }
    assert "replays" not in told["beside"].json
