"""A spender redeems for a group: the group pays, the spender's cap counts, and what it buys is the spender's to use."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from app.wiring import wire
from base import clock, database, ids, jobs
from points import ledger
from points.companions import companions
from points.groups import groups, spending
from points.kinds import State
from points.members import members
from tests.catalog.redemptions.test_races import again, at_once, counted, outcome
from tests.given import (
    ZONE,
    Caller,
    caller,
    clerk_token,
    given_group,
    given_member,
    given_offer,
    given_points,
    given_programme,
    given_shop,
    member_token,
)


@pytest.fixture
def world(app, db):
    """A group with 10,000 points and two spenders (caps 1,000 and 600) without points of their own; a stranger."""
    programme, shop = given_programme(), given_shop()
    ann_id, ben_id = given_member(db, programme, phone="13700001111"), given_member(db, programme)
    group_id = given_group(db, programme, points=10_000, caps={ann_id: 1000, ben_id: 600})
    return SimpleNamespace(
        programme=programme,
        shop=shop,
        group_id=group_id,
        group=ids.public("grp", group_id),
        ann_id=ann_id,
        ann=caller(app, member_token(ann_id)),
        ben_id=ben_id,
        ben=caller(app, member_token(ben_id)),
        stranger=caller(app, member_token(given_member(db, programme, points=5000))),
        itself=caller(app, member_token(group_id)),
        till=caller(app, clerk_token(shop)),
        voucher=given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100),
        perk=given_offer(programme, "perk", value_fen=100),
        event=given_offer(programme, "event", value_fen=100),
        credit=given_offer(programme, "bill_credit", value_fen=100),
    )


def kind_of(answer) -> str:
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def spent(group: str, who: Caller) -> int:
    (mine,) = [one for one in who.get("/v1/members/me/groups").json if one["id"] == group]
    return int(mine["allowance"]["spent_points"])


def changed(deed: Callable) -> None:
    with database.begin() as session:
        deed(session)


def set_cap(world, spender_id: int, cap: int | None) -> None:
    with database.begin() as session:
        group = groups.find(session, world.programme.programme_id, world.group_id, change=True)
        if cap is None:
            spending.end_spender(session, group, spender_id, clock.now(), "test")
        else:
            customer = members.by_id(session, spender_id).customer_id
            spending.set_spender(session, group, customer, cap, clock.now(), "test")


def test_the_group_pays_and_the_spender_uses_what_was_bought(db, world):
    made = world.ann.redeem(world.voucher, 3, group=world.group)
    code = world.ann.voucher_code(made.json)
    accepted = world.till.accept(code)
    jobs.drain(db.database_url)

    assert (made.status_code, made.json["group"], made.json["price_points"]) == (201, world.group, 300)
    assert accepted.status_code == 201
    assert world.ann.get(f"/v1/groups/{world.group}/wallet").json["spendable"] == 9700
    assert spent(world.group, world.ann) == 300
    assert spent(world.group, world.ben) == 0
    assert world.ann.spendable() == 0
    with database.begin() as session:
        ((member_id, spender_id),) = session.execute(text("select member_id, spender_id from redemption"))
        told = session.scalars(text("select member_id from notice")).all()
    assert (member_id, spender_id) == (world.group_id, world.ann_id)
    assert set(told) == {world.ann_id}  # the message about the use of the voucher


def test_the_till_shows_the_spenders_number_masked(world):
    code = world.ann.voucher_code(world.ann.redeem(world.voucher, group=world.group).json)

    assert world.till.check(code).json["member"] == "137****1111"


def test_the_same_key_gives_the_same_answer_and_takes_once(world):
    quote = world.ann.quote(world.perk, group=world.group).json["id"]

    first = world.ann.post("/v1/redemptions", {"quote": quote}, key="one")
    second = world.ann.post("/v1/redemptions", {"quote": quote}, key="one")

    assert (first.status_code, second.data) == (201, first.data)
    assert kind_of(world.ann.post("/v1/redemptions", {"quote": quote})) == "409 quote-ended"
    assert spent(world.group, world.ann) == 100


def test_bill_credit_is_refused_by_name(world):
    assert kind_of(world.ann.quote(world.credit, group=world.group)) == "409 not-for-groups"


def test_over_the_cap_is_refused_at_the_quote_and_at_the_redemption(world):
    quotes = [world.ann.quote(world.voucher, 6, group=world.group).json["id"] for _ in range(2)]
    told = [world.ann.post("/v1/redemptions", {"quote": quote}) for quote in quotes]
    at_quote = world.ann.quote(world.voucher, 5, group=world.group)

    assert told[0].status_code == 201
    assert kind_of(told[1]) in ("403 over-cap", "409 quote-changed")
    assert kind_of(at_quote) == "403 over-cap"
    assert {"left", "cap", "resets_on"} <= set(at_quote.json)
    assert (at_quote.json["left"], at_quote.json["cap"]) == (400, 1000)
    assert world.ann.quote(world.voucher, 4, group=world.group).status_code == 201


def test_the_cap_is_asked_again_when_the_quote_is_confirmed(world):
    quote = world.ann.quote(world.voucher, 6, group=world.group).json["id"]
    set_cap(world, world.ann_id, 599)

    told = world.ann.post("/v1/redemptions", {"quote": quote})

    assert kind_of(told) == "403 over-cap"
    assert (told.json["left"], told.json["cap"]) == (599, 599)
    assert (counted("redemption"), counted("voucher"), counted("spent")) == (0, 0, 0)


def test_the_cap_is_whole_again_after_midnight_of_the_programmes_last_day_of_the_month(world):
    last = datetime(2027, 1, 31, 15, 59, 59, tzinfo=UTC)
    with clock.stopped(last):
        ann = caller(world.ann.client.application, member_token(world.ann_id))
        assert ann.redeem(world.voucher, 10, group=world.group).status_code == 201
        assert kind_of(ann.quote(world.voucher, group=world.group)) == "403 over-cap"
    with clock.stopped(last + timedelta(seconds=1)):
        ann = caller(world.ann.client.application, member_token(world.ann_id))
        assert spent(world.group, ann) == 0
        assert ann.redeem(world.voucher, 10, group=world.group).status_code == 201


def test_cancelling_gives_the_points_and_the_allowance_back(world):
    made = world.ann.redeem(world.voucher, 3, group=world.group).json["id"]

    back = world.ann.post(f"/v1/redemptions/{made}/cancel", key="one")
    again = world.ann.post(f"/v1/redemptions/{made}/cancel", key="one")

    assert (back.status_code, back.json["state"], again.data) == (200, "cancelled", back.data)
    assert spent(world.group, world.ann) == 0
    assert world.ann.get(f"/v1/groups/{world.group}/wallet").json["spendable"] == 10_000


def test_a_spender_who_lost_the_right_may_still_hand_back_and_show(world):
    made = world.ann.redeem(world.voucher, 3, group=world.group).json
    set_cap(world, world.ann_id, None)

    shown = world.ann.get(f"/v1/vouchers/{made['voucher']}").json
    told = world.ann.quote(world.voucher, group=world.group)

    assert shown["code"]
    assert kind_of(told) == "403 spending-not-allowed"
    assert world.ann.post(f"/v1/redemptions/{made['id']}/cancel").status_code == 200


def test_whoever_is_no_contact_any_more_sees_and_does_nothing(world):
    made = world.ann.redeem(world.voucher, 3, group=world.group).json
    quote = world.ann.quote(world.voucher, group=world.group).json["id"]
    with database.begin() as session:
        group = groups.find(session, world.programme.programme_id, world.group_id, change=True)
        groups.end_contact(session, group, world.ann_id, clock.now(), "test")

    told = {
        kind_of(world.ann.quote(world.voucher, group=world.group)),
        kind_of(world.ann.post("/v1/redemptions", {"quote": quote})),
        kind_of(world.ann.get("/v1/redemptions", group=world.group)),
    }

    assert told == {"404 group-unknown"}
    assert kind_of(world.ann.get(f"/v1/redemptions/{made['id']}")) == "404 redemption-unknown"
    assert kind_of(world.ann.post(f"/v1/redemptions/{made['id']}/cancel")) == "404 redemption-unknown"
    assert kind_of(world.ann.get(f"/v1/vouchers/{made['voucher']}")) == "404 voucher-unknown"


def test_what_one_spender_has_is_nobody_elses(world):
    made = world.ann.redeem(world.voucher, 3, group=world.group).json
    quote = world.ann.quote(world.voucher, group=world.group).json["id"]

    for who in (world.ben, world.stranger, world.itself):
        assert kind_of(who.post("/v1/redemptions", {"quote": quote})) == "404 quote-unknown"
    for who in (world.ben, world.stranger):
        assert kind_of(who.get(f"/v1/redemptions/{made['id']}")) == "404 redemption-unknown"
        assert kind_of(who.post(f"/v1/redemptions/{made['id']}/cancel")) == "404 redemption-unknown"
        assert kind_of(who.get(f"/v1/vouchers/{made['voucher']}")) == "404 voucher-unknown"
    assert world.ben.get("/v1/redemptions", group=world.group).json["data"] == []
    assert kind_of(world.stranger.quote(world.voucher, group=world.group)) == "404 group-unknown"
    assert (
        kind_of(world.ann.quote(world.voucher, group=ids.public("grp", world.ben_id))) == "404 group-unknown"
    )


def test_the_list_of_a_group_is_apart_from_ones_own(world):
    made = [world.ann.redeem(world.voucher, group=world.group).json["id"] for _ in range(3)]
    world.ben.redeem(world.voucher, group=world.group)

    page = world.ann.get("/v1/redemptions", group=world.group, limit=2).json
    rest = world.ann.get("/v1/redemptions", group=world.group, limit=2, cursor=page["next_cursor"]).json

    assert [one["id"] for one in page["data"] + rest["data"]] == made[::-1]
    assert world.ann.get("/v1/redemptions").json["data"] == []
    assert kind_of(world.ann.get("/v1/redemptions", cursor=page["next_cursor"])) == "400 cursor-unknown"


def test_each_spender_has_a_place_of_his_own_at_an_event(world):
    first, second = (who.redeem(world.event, group=world.group) for who in (world.ann, world.ben))
    third = world.ann.redeem(world.event, group=world.group)

    assert (first.status_code, second.status_code) == (201, 201)
    assert kind_of(third) == "409 seat-taken"


@pytest.mark.unapproved
@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State.FROZEN, "403 member-frozen"),
        (State.CLOSED, "403 member-closed"),
        (State.MERGED, "403 member-merged"),
    ],
)
def test_a_spender_whose_own_line_is_barred_cannot_spend(world, state, told):
    quote = world.ann.quote(world.perk, group=world.group).json["id"]
    changed(lambda session: ledger.set_state(session, world.ann_id, state))

    answers = (
        world.ann.quote(world.perk, group=world.group),
        world.ann.post("/v1/redemptions", {"quote": quote}),
    )

    assert [(kind_of(answer), answer.json["line"]) for answer in answers] == [(told, "your own")] * 2
    assert world.ben.redeem(world.perk, group=world.group).status_code == 201


def test_a_spender_who_is_new_himself_may_spend_for_the_group(world):
    changed(lambda session: ledger.set_state(session, world.ann_id, State.NEW))

    assert world.ann.redeem(world.perk, group=world.group).status_code == 201


def test_nobody_spends_for_a_frozen_group_and_handing_back_is_possible(world):
    made = world.ann.redeem(world.voucher, group=world.group).json["id"]
    quote = world.ann.quote(world.perk, group=world.group).json["id"]
    changed(lambda session: ledger.set_state(session, world.group_id, State.FROZEN))

    assert kind_of(world.ann.quote(world.perk, group=world.group)) == "403 member-frozen"
    assert kind_of(world.ann.post("/v1/redemptions", {"quote": quote})) == "403 member-frozen"
    assert world.ann.post(f"/v1/redemptions/{made}/cancel").status_code == 200


def test_a_spender_who_left_the_operator_is_out(world):
    changed(lambda session: members.leave(session, world.ann_id, clock.day(clock.now(), ZONE)))

    assert world.ann.quote(world.perk, group=world.group).status_code == 401


def test_of_twenty_at_once_with_a_cap_of_ten_times_the_price_ten_succeed(world, app, db):
    wire(db, pool_size=24)  # a connection for each: what is asked is who wins, not who waits for a connection
    offers = [given_offer(world.programme, "perk", value_fen=100) for _ in range(20)]

    def buy(offer) -> object:
        who = again(app, world.ann)
        while True:  # the lots of a quote change with every redemption of the group: a fresh one each time
            quote = who.quote(offer, group=world.group)
            if quote.status_code != 201:
                return quote
            answer = who.post("/v1/redemptions", {"quote": quote.json["id"]})
            if answer.status_code != 409:
                return answer

    told = outcome(at_once(*(lambda o=o: buy(o) for o in offers)))

    assert told == {"201": 10, "403 over-cap": 10}
    assert spent(world.group, world.ann) == 1000
    assert counted("redemption") == 10


def test_two_spenders_race_for_the_groups_last_points(world, app, db):
    group_id = given_group(db, world.programme, points=100, caps={world.ann_id: 500, world.ben_id: 500})
    group = ids.public("grp", group_id)
    pairs = [(who, given_offer(world.programme, "perk", value_fen=60)) for who in (world.ann, world.ben) * 3]
    asked = [(who, who.quote(offer, group=group).json["id"]) for who, offer in pairs]

    told = outcome(
        at_once(*(lambda w=w, q=q: again(app, w).post("/v1/redemptions", {"quote": q}) for w, q in asked))
    )

    assert told.pop("201") == 1
    assert set(told) <= {"409 not-enough-points", "409 quote-changed"}
    assert spent(group, world.ann) + spent(group, world.ben) == 60


def test_a_forged_spender_of_a_redemption_is_found(world, db):
    from app.proof import findings
    from tests.owner import forget_everything, owner

    world.ann.redeem(world.voucher, group=world.group)
    found = {}
    for table in ("redemption", "quote", "voucher"):
        with owner(db) as connection:
            connection.execute(text(f"update {table} set spender_id = spender_id + 1"))
        with database.begin() as session:
            found[table] = {finding.rule for finding in findings(session)}
        with owner(db) as connection:
            connection.execute(text(f"update {table} set spender_id = spender_id - 1"))
    forget_everything(db)

    assert found == {table: {"spender"} for table in found}


def test_a_group_contact_who_is_also_a_member_has_a_wallet_apart_and_a_companion_of_their_own(db, world):
    """What the contact earns, spends and agrees to as a member is not the group's, nor the other way round."""
    given_points(world.ann_id, 500)
    both = world.ann

    both.redeem(world.perk)
    for_the_group = both.redeem(world.voucher, 3, group=world.group)
    link = both.post("/v1/members/me/companions", {"customer_id": customer_of(world.ben_id)}).json["id"]
    world.ben.post(f"/v1/members/me/companions/{link}/confirm")

    assert for_the_group.status_code == 201
    assert both.spendable() == 400
    assert (spent(world.group, both), spent(world.group, world.ben)) == (300, 0)
    with database.begin() as session:
        assert ledger.read(session, world.group_id).balance == 9_700
        assert [companions.of(session, one) for one in (world.ann_id, world.ben_id, world.group_id)] == [
            [world.ben_id],
            [world.ann_id],
            [],
        ]
    refused = both.quote(world.voucher, 8, group=world.group)
    assert (refused.status_code, both.spendable()) == (403, 400)  # the own points never fill up a cap


def customer_of(member_id: int) -> str:
    with database.begin() as session:
        return members.by_id(session, member_id).customer_id
