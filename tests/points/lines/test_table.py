"""Every cell of the table, asked at the real doors: pages of the API, gifts, redemptions, the till, bills, the sweep."""

from datetime import timedelta

import pytest

from base import clock, database, ids
from catalog.redemptions import redemptions
from catalog.redemptions.course import JOB
from points import bills, expiry, ledger, policies, programmes
from points.bills import BillLineIn
from points.imports import What
from points.lines import closing, matrix
from points.lines.matrix import DEFAULT, Action, Answer
from points.lines.states import LineState
from points.members import members
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_points,
    given_programme,
    given_shop,
    member_token,
    service_key,
)
from tests.points.lines.telling import days, tell, today, wallet

PHONE, OTHER = "13700001111", "13700002222"
YOUNG = (LineState.NEW, LineState.REJOINED)
TYPES = {
    LineState.NEW: "member-too-new",
    LineState.REJOINED: "member-too-new",
    LineState.SUSPENDED: "member-frozen",
    LineState.PRE_CANCELLED: "member-frozen",
    LineState.TRANSFER: "member-frozen",
}


class World:
    """A member with 1,000 points, a voucher and a seat, whose line is then brought into a state."""

    def __init__(self, app, config, state):
        self.app, self.config, self.state = app, config, state
        self.programme = given_programme()
        self.member_id = self._member()
        given_points(self.member_id, 1000)
        self.me = caller(app, member_token(self.member_id))
        self.system = caller(app, service_key(self.programme, "wallet:any"))
        self.other = caller(
            app,
            member_token(
                given_member(config, self.programme, points=100, phone=OTHER, joined_on=today() - days(400))
            ),
        )
        shop = given_shop()
        self.till = caller(app, clerk_token(shop))
        voucher = given_offer(self.programme, "voucher", value_fen=100, merchant_id=shop.merchant.merchant_id)
        self.code = self.me.voucher_code(self.me.redeem(voucher).json)
        self.perk = given_offer(self.programme, "perk", value_fen=30)
        self.seat = ids.parse("red", self.me.redeem(self.perk).json["id"])
        given_points(self.member_id, 40, last_day=today() + days(5))
        self.later_perk = given_offer(self.programme, "perk", value_fen=20)
        self.quote = self.me.quote(self.later_perk).json["id"]
        self._bring()

    def _member(self):
        if self.state is LineState.REJOINED:
            first = given_member(self.config, self.programme, joined_on=today() - days(400))
            tell(self.config, first, LineState.CANCELLED, today() - days(20))
            back = tell(self.config, first, LineState.ACTIVE, today() - days(10), phone=PHONE)
            return back.event.member_id
        return given_member(self.config, self.programme, phone=PHONE, joined_on=today() - days(10))

    def _bring(self):
        if self.state in YOUNG:
            with database.begin() as session:
                programmes.by_code(session, "gotone").minimum_tenure_days = 180
        elif self.state is not LineState.ACTIVE:
            tell(self.config, self.member_id, self.state)

    # What is asked at the doors

    def see(self):
        if self.me.get("/v1/members/me/wallet").status_code == 200:
            return Answer.YES
        seen = self.system.get(f"/v1/members/{ids.public('mbr', self.member_id)}/postings").json
        return Answer.HISTORY if seen["data"] else Answer.NO

    def refused(self):
        """Why nothing can be spent, from the answer to a quote; empty when it can."""
        asked = self.me.quote(self.later_perk)
        return "" if asked.status_code == 201 else asked.json["type"].rsplit("/")[-1]

    def redeem(self):
        confirmed = self.me.post("/v1/redemptions", {"quote": self.quote})
        if confirmed.status_code == 201:
            return Answer.YES
        if self.state is not LineState.CANCELLED:  # who has left is signed out
            assert {self.refused(), confirmed.json["type"].rsplit("/")[-1]} == {TYPES[self.state]}
            assert confirmed.json["line"] == self.state
            assert set(confirmed.json["ends"]) == {"zh-CN", "en"}
        return Answer.NO

    def gift_out(self):
        given = self.me.post("/v1/gifts", {"to": OTHER, "points": 1})
        if given.status_code == 201:
            return Answer.YES
        if self.state is not LineState.CANCELLED:
            assert given.json["type"] == f"/problems/{TYPES[self.state]}"
        return Answer.NO

    def gift_in(self):
        given = self.other.post("/v1/gifts", {"to": PHONE, "points": 1})
        if given.status_code == 201:
            return Answer.YES
        assert given.json["type"] in ("/problems/receiver-unknown", "/problems/member-too-new")
        return Answer.NO

    def voucher(self):
        return Answer.YES if self.till.accept(self.code).status_code == 201 else Answer.NO

    def earn(self):
        with database.begin() as session:
            customer = members.by_id(session, self.member_id).customer_id
            line = BillLineIn(customer, "B1", 1, today(), "plan", 5000, 0)
            (done,) = bills.post_lines(
                session, self.programme, policies.load(session, self.programme.programme_id), [line]
            )
        if done.what is not What.POSTED:
            return Answer.NO
        return Answer.FROZEN if self.refused() == "member-frozen" else Answer.YES

    def reversal(self):
        before = wallet(self.member_id).balance
        with database.begin() as session:
            redemptions.cancel(session, *self.seat, JOB, clock.now())
        assert wallet(self.member_id).balance == before + 30
        if self.state is LineState.CANCELLED:
            return Answer.RECORDED
        return Answer.FROZEN if self.refused() == "member-frozen" else Answer.YES

    def lapse(self):
        """Ten days later the sweep runs, and a month and a half later what is due on closed lines."""
        given_last = {LineState.CANCELLED: 45}.get(self.state, 10)
        with clock.stopped(clock.now() + timedelta(days=given_last)):
            before = wallet(self.member_id).balance
            with database.begin() as session:
                expiry.sweep(session, self.programme, [self.member_id], today(), clock.now())
                left = ledger.read(session, self.member_id).balance
                closing.step(session, self.programme, today(), clock.now(), 0)
            if wallet(self.member_id).balance == 0 < left:
                return Answer.CLEARED
            return Answer.KEPT if left == before else Answer.YES


# Each member may be asked all of it in one go, in an order in which no answer disturbs the next.
ORDER = ("see", "redeem", "gift_out", "gift_in", "voucher", "earn", "reversal", "lapse")


@pytest.mark.parametrize("state", LineState)
def test_every_door_answers_as_the_table_says(app, db, state):
    world = World(app, db, state)
    if state in YOUNG:  # the giver has been here for long
        assert world.other.quote(world.later_perk).status_code == 201

    answers = {action: getattr(world, action)() for action in ORDER}

    assert answers == {str(action): DEFAULT[state, action] for action in Action}


@pytest.mark.parametrize("state", [LineState.SUSPENDED, LineState.CANCELLED, LineState.ACTIVE])
def test_a_programme_may_stop_issued_vouchers(app, db, state):
    world = World(app, db, state)
    checked = world.till.check(world.code).json["check_token"]
    with database.begin() as session:
        cell = (state, Action.VOUCHER, Answer.NO)
        matrix.add(session, world.programme.programme_id, today(), *cell)

    at_the_check = world.till.check(world.code)
    at_the_till = world.till.post("/v1/vouchers/accept", {"check_token": checked})

    assert [a.json["type"] for a in (at_the_check, at_the_till)] == ["/problems/voucher-not-usable"] * 2


def test_a_programme_may_forbid_what_the_table_allows(app, db):
    world = World(app, db, LineState.ACTIVE)
    with database.begin() as session:
        for action in (Action.REDEEM, Action.GIFT_OUT, Action.GIFT_IN):
            cell = (LineState.ACTIVE, action, Answer.NO)
            matrix.add(session, world.programme.programme_id, today(), *cell)

    told = [
        world.me.post("/v1/redemptions", {"quote": world.quote}),
        world.me.post("/v1/gifts", {"to": OTHER, "points": 1}),
    ]

    assert [(a.status_code, a.json["type"]) for a in told] == [(403, "/problems/line-forbids")] * 2
