"""Which bill lines brought the points that a posting moved: over HTTP, through cancellations, corrections and gifts."""

from datetime import date, timedelta

import pytest
from sqlalchemy import event

from base import clock, database, ids
from points import bills, corrections, ledger, lots, policies
from points.bills import BillLineIn
from points.corrections import CorrectionIn
from points.deeds import Request
from points.gifts import gifts
from points.gifts import job as gifts_job
from points.kinds import Kind
from points.members import members
from points.members.members import Enrolment
from points.wallets import traced
from tests.given import (
    LONG_AGO,
    ZONE,
    caller,
    given_member,
    given_offer,
    given_points,
    given_programme,
    member_token,
    secrets_of,
    service_key,
)

DAY = date(2025, 3, 5)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return enrolled(db, programme, "C1", "13900000001")


def enrolled(db, programme, customer, phone):
    with database.begin() as session:
        rows = [Enrolment(customer, LONG_AGO, phone)]
        return members.enrol_many(session, programme, secrets_of(db), rows)[customer]


def billed(programme, *lines, customer="C1"):
    with database.begin() as session:
        versions = policies.load(session, programme.programme_id)
        rows = [BillLineIn(customer, bill, n, DAY, "plan", amount) for bill, n, amount in lines]
        outcomes = bills.post_lines(session, programme, versions, rows)
    assert not [outcome.reason for outcome in outcomes if outcome.reason]


def corrected(programme, *asked):
    with database.begin() as session:
        outcomes = corrections.post_corrections(
            session, programme,
            [CorrectionIn("C1", key, bill, n, DAY, amount) for key, bill, n, amount in asked],
        )  # fmt: skip
    assert not [outcome.reason for outcome in outcomes if outcome.reason]


def sources(answer):
    """[(points, bill, line, correction)] of all lots of a posting."""
    return [
        (o["points"], *((b["bill_id"], b["line_no"], b["correction"]) if (b := o["bill"]) else (o["kind"],)))
        for lot in answer.json
        for o in lot["origins"]
    ]


def test_a_redemption_is_led_back_to_the_lines_that_earned_its_points(app, programme, member_id):
    billed(programme, ("2025-03", 1, 6_000), ("2025-03", 2, 5_000))
    member = caller(app, member_token(member_id))
    member.redeem(given_offer(programme, "perk", value_fen=80))

    answer = member.get("/v1/members/me/postings/3/lots")

    assert sources(answer) == [(60, "2025-03", 1, None), (20, "2025-03", 2, None)]
    (lot,) = answer.json
    assert (lot["points"], lot["class"], lot["last_day"]) == (80, "bill", "2028-03-31")
    assert lot["origins"][0] == {
        "seq": 1,
        "kind": "earn",
        "points": 60,
        "day": str(clock.day(clock.now(), ZONE)),
        "ref": "bill 2025-03 line 1",
        "bill": {
            "bill_id": "2025-03",
            "line_no": 1,
            "bill_day": "2025-03-05",
            "line_type": "plan",
            "correction": None,
        },
        "bonus": None,
        "member": None,
    }
    assert [o["points"] for o in member.get("/v1/members/me/postings/1/lots").json[0]["origins"]] == [60]


def test_points_that_came_back_and_were_spent_again_are_led_back_all_the_same(app, programme, member_id):
    billed(programme, ("A", 1, 6_000), ("A", 2, 5_000))
    member, offer = caller(app, member_token(member_id)), given_offer(programme, "perk", value_fen=80)
    member.post(f"/v1/redemptions/{member.redeem(offer).json['id']}/cancel")
    billed(programme, ("A", 3, 7_000))

    again = member.redeem(given_offer(programme, "perk", value_fen=130)).json

    assert again["state"] == "fulfilled"
    assert sources(member.get("/v1/members/me/postings/6/lots")) == [
        (30, "A", 2, None),
        (60, "A", 1, None),
        (20, "A", 2, None),
        (20, "A", 3, None),
    ]


def test_what_a_correction_brought_names_it_and_what_no_bill_brought_names_its_kind(
    app, programme, member_id
):
    billed(programme, ("A line 3", 1, 6_000))
    corrected(programme, ("K1", "A line 3", 1, 9_000))
    given_points(member_id, 5, last_day=date(2028, 4, 1))
    member = caller(app, member_token(member_id))
    member.redeem(given_offer(programme, "perk", value_fen=95))

    assert sources(member.get("/v1/members/me/postings/4/lots")) == [
        (60, "A line 3", 1, None),
        (30, "A line 3", 1, "K1"),
        (5, "earn"),
    ]


def given_gift(db, giver_id, phone, points):
    """A gift that has arrived."""
    with database.begin() as session:
        gift = gifts.give(session, db, giver_id, phone, points, clock.now())
    with clock.stopped(clock.now() + gifts.TO_UNDO + timedelta(seconds=1)):
        for _ in range(2):
            gifts_job.run(db, giver_id, gift.gift_id)


def test_a_gift_ends_the_trace_for_its_receiver_and_leads_a_system_to_the_givers_bills(
    app, db, programme, member_id
):
    friend = enrolled(db, programme, "C2", "13900000002")
    billed(programme, ("A", 1, 6_000), ("A", 2, 5_000))
    given_gift(db, member_id, "13900000002", 80)
    billed(programme, ("B", 1, 900), customer="C2")
    mine = caller(app, member_token(friend))
    with clock.stopped(clock.now() + timedelta(hours=1)):
        mine.redeem(given_offer(programme, "perk", value_fen=89))
        (seq,) = [row["seq"] for row in mine.get("/v1/members/me/postings", kind="redeem").json["data"]]

    own = mine.get(f"/v1/members/me/postings/{seq}/lots")
    system = caller(app, service_key(programme, "wallet:any"))
    seen = system.get(f"/v1/members/{ids.public('mbr', friend)}/postings/{seq}/lots")

    assert sources(own) == [(80, "gift_in"), (9, "B", 1, None)]
    assert ids.public("mbr", member_id) not in own.text
    assert sources(seen) == [(60, "A", 1, None), (20, "A", 2, None), (9, "B", 1, None)]
    assert [o["member"] for lot in seen.json for o in lot["origins"]] == [
        ids.public("mbr", member_id),
        ids.public("mbr", member_id),
        None,
    ]


def test_a_posting_that_is_not_there_or_somebody_elses_is_unknown(app, db, programme, member_id):
    other = given_member(db, programme, points=10)
    system = caller(app, service_key(programme, "wallet:any"))
    stranger = caller(app, service_key(given_programme("other"), "wallet:any"))
    name = ids.public("mbr", other)

    assert caller(app, member_token(member_id)).get("/v1/members/me/postings/1/lots").status_code == 404
    assert system.get(f"/v1/members/{name}/postings/1/lots").status_code == 200
    assert system.get(f"/v1/members/{name}/postings/2/lots").status_code == 404
    assert stranger.get(f"/v1/members/{name}/postings/1/lots").status_code == 404


def given_history(member_id, rounds):
    """Earned, spent and given back over and over, in one lot: the first points have come back many times."""
    key = lots.key(clock.now().date() + timedelta(days=400), policies.BILL_POINTS)
    for number in range(rounds):
        for kind, points, more in (
            (Kind.EARN, 7, {"lot_key": key}),
            (Kind.REDEEM, 5, {}),
            (Kind.REVERSE, 5, {"rev_of": 3 * number + 2}),
        ):
            name = ledger.key("test", f"{kind.name} {number}")
            with database.begin() as session:
                ledger.post(session, Request(member_id, name, kind, points, clock.now(), ZONE, **more))


def test_a_long_history_takes_as_many_statements_as_a_short_one_and_all_is_led_back(db, programme):
    def traced_in(rounds):
        member_id = given_member(db, programme)
        given_history(member_id, rounds)
        with database.begin() as session:
            asked = []
            event.listen(session.connection(), "before_cursor_execute", lambda *args: asked.append(args[2]))
            parts = traced.of_wallet(session, member_id)
        origins = traced.joined(origin for part in parts for origin in part.origins)
        assert sorted(origin.points for origin in origins) == [7] * rounds
        return len(asked)

    assert traced_in(3) == traced_in(30) <= 6


def test_points_of_a_wallet_are_led_back_lot_by_lot(programme, member_id):
    billed(programme, ("A", 1, 6_000))
    given_points(member_id, 5, last_day=date(2028, 4, 1))

    with database.begin() as session:
        parts = traced.of_wallet(session, member_id)

    assert [
        (part.last_day, part.points, part.origins[0].bill and part.origins[0].bill.bill_id) for part in parts
    ] == [
        (date(2028, 3, 31), 60, "A"),
        (date(2028, 4, 1), 5, None),
    ]
