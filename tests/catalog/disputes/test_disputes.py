""" "This was not me": what is left is frozen, one person decides, points come back by two, the till learns nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from base import clock, database, ids
from base.models import AuditRow
from base.notices import notices
from catalog.vouchers import events
from catalog.vouchers.models import Voucher
from merchants.disputes.models import Dispute
from tests.given import (
    caller,
    clerk_token,
    given_member,
    given_offer,
    given_programme,
    given_shop,
    member_token,
    staff_token,
)


@pytest.fixture
def shop(db):
    return given_shop()


@pytest.fixture
def counter(app, shop):
    return caller(app, clerk_token(shop))


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member(app, db, programme):
    return caller(app, member_token(given_member(db, programme, points=10_000)))


@pytest.fixture
def support(app, db):
    return caller(app, staff_token("support"))


def given_use(member, counter, programme, shop, *, of=1, units=1):
    """A voucher of so many units, of which some were used: its redemption, its code, the acceptance."""
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=100)
    redeemed = member.redeem(offer, of).json
    code = member.voucher_code(redeemed)
    return redeemed, code, use(counter, code, units)


def use(counter, code, units=1):
    token = counter.check(code).json["check_token"]
    return counter.post("/v1/vouchers/accept", {"check_token": token, "units": units}).json


def not_me(member, acceptance, **more):
    return member.post(f"/v1/acceptances/{acceptance['id']}/not-me", **more)


def decided(support, dispute, verdict):
    support.post(f"/v1/disputes/{dispute['id']}/take")
    return support.post(f"/v1/disputes/{dispute['id']}/decide", {"verdict": verdict, "reason": "looked into"})


def kind(answer) -> str:
    return str(answer.json.get("type", answer.status_code)).removeprefix("/problems/")


def state_of(member, redeemed) -> str:
    return str(member.get(f"/v1/vouchers/{redeemed['voucher']}").json["state"])


def told(db) -> list[str]:
    with database.begin() as session:
        return [one.template for one in notices.latest(session, db.seal_key)]


def test_what_is_left_is_frozen_and_the_till_learns_no_reason(db, member, counter, programme, shop):
    redeemed, code, taken = given_use(member, counter, programme, shop, of=3)
    held = counter.check(code).json["check_token"]

    opened = not_me(member, taken)
    again = not_me(member, taken)
    accepted = counter.post("/v1/vouchers/accept", {"check_token": held})
    checked = counter.check(code)

    assert (opened.status_code, opened.json["state"], again.json["id"]) == (201, "open", opened.json["id"])
    assert state_of(member, redeemed) == "frozen"
    assert [kind(accepted), kind(checked)] == ["voucher-not-usable", "voucher-not-usable"]
    assert "dispute" not in checked.get_data(as_text=True)
    assert told(db).count("dispute-opened") == 1
    assert member.get(f"/v1/vouchers/{redeemed['voucher']}").json["code"] is None


def test_each_deed_of_the_staff_is_on_record(member, counter, programme, shop, support):
    _, _, taken = given_use(member, counter, programme, shop)
    dispute = not_me(member, taken).json

    decided(support, dispute, "merchant")
    support.post(f"/v1/disputes/{dispute['id']}/take")
    support.post(f"/v1/disputes/{dispute['id']}/close", {"closing": "nothing to do"})

    with database.begin() as session:
        asked = select(AuditRow.action).where(AuditRow.subject == dispute["id"]).order_by(AuditRow.audit_id)
        assert list(session.scalars(asked)) == ["dispute.taken", "dispute.decided", "dispute.closed"]


def test_it_is_to_be_decided_within_fourteen_days_and_late_afterwards(
    app, member, counter, programme, shop, support
):
    _, _, taken = given_use(member, counter, programme, shop)
    dispute = not_me(member, taken).json

    before = support.get(f"/v1/disputes/{dispute['id']}").json
    with clock.stopped(clock.now() + timedelta(days=14, seconds=1)):
        after = caller(app, staff_token("support", "finance")).get(f"/v1/disputes/{dispute['id']}").json

    assert (before["is_late"], after["is_late"]) == (False, True)
    assert (before["amount_fen"], before["verdict"], before["handler"]) == (taken["owed_fen"], None, None)


def test_only_the_own_uses_are_disputed_and_none_that_was_undone(app, db, member, counter, programme, shop):
    _, _, taken = given_use(member, counter, programme, shop)
    stranger = caller(app, member_token(given_member(db, programme)))

    foreign = not_me(stranger, taken)
    counter.post(f"/v1/acceptances/{taken['id']}/void", {"reason": "mistake"})
    undone = not_me(member, taken)

    assert [kind(foreign), kind(undone)] == ["acceptance-unknown", "already-voided"]


def test_for_the_merchant_thaws_what_is_left(db, member, counter, programme, shop, support):
    redeemed, code, taken = given_use(member, counter, programme, shop, of=2)
    dispute = not_me(member, taken).json

    done = decided(support, dispute, "merchant")

    assert (done.json["state"], done.json["verdict"], done.json["points_back"]) == (
        "decided",
        "merchant",
        None,
    )
    assert state_of(member, redeemed) == "issued"
    assert use(counter, code)["units"] == 1
    assert "dispute-for-merchant" in told(db)
    assert not_me(member, taken).json["verdict"] == "merchant"  # it was decided; nothing is frozen again
    assert state_of(member, redeemed) == "accepted"


def test_for_the_member_gives_the_points_back_by_two_persons(
    app, db, member, counter, programme, shop, support
):
    redeemed, _, taken = given_use(member, counter, programme, shop, of=2)
    before = member.spendable()
    dispute = not_me(member, taken).json

    done = decided(support, dispute, "member").json
    mean_while = (state_of(member, redeemed), member.spendable())
    [proposal] = support.get("/v1/reversals").json["data"]
    approved = caller(app, staff_token("checker")).post(
        f"/v1/reversals/{proposal['id']}/approve", {"content_hash": proposal["content_hash"]}
    )

    assert (done["points_back"], done["points_due"]) == ("proposed", 200)
    assert mean_while == ("cancelled", before)
    assert (proposal["ticket"], proposal["points"]) == (dispute["id"], 200)
    assert approved.status_code == 200
    assert member.spendable() == before + 200
    assert member.get(f"/v1/redemptions/{redeemed['id']}").json["state"] == "reversed"
    assert "dispute-for-member" in told(db)


def test_a_voucher_used_up_by_another_is_given_back_as_well(app, member, counter, programme, shop, support):
    redeemed, code, taken = given_use(member, counter, programme, shop)
    decided(support, not_me(member, taken).json, "member")
    [proposal] = support.get("/v1/reversals").json["data"]

    caller(app, staff_token("checker")).post(
        f"/v1/reversals/{proposal['id']}/approve", {"content_hash": proposal["content_hash"]}
    )

    assert member.spendable() == 10_000
    assert kind(counter.check(code)) == "voucher-cancelled"
    assert (
        kind(counter.post(f"/v1/acceptances/{taken['id']}/void", {"reason": "late"})) == "acceptance-disputed"
    )
    assert state_of(member, redeemed) == "cancelled"


def test_where_the_member_used_it_too_the_share_is_given_back_by_hand(
    member, counter, programme, shop, support
):
    redeemed, code, _ = given_use(member, counter, programme, shop, of=4)
    dispute = not_me(member, use(counter, code)).json

    done = decided(support, dispute, "member").json

    assert (done["points_back"], done["points_due"]) == ("by_hand", 300)
    assert support.get("/v1/reversals").json["data"] == []
    assert state_of(member, redeemed) == "cancelled"


def test_of_two_disputes_of_one_voucher_no_point_is_given_back_twice(
    member, counter, programme, shop, support
):
    redeemed, code, first = given_use(member, counter, programme, shop, of=4)
    second = use(counter, code)
    disputes = [not_me(member, one).json for one in (first, second)]

    done = [decided(support, one, "member").json for one in disputes]

    assert [(one["points_back"], one["points_due"]) for one in done] == [("by_hand", 300), ("by_hand", 100)]
    assert support.get("/v1/reversals").json["data"] == []  # which would give the whole price back once more
    shown = [support.get(f"/v1/disputes/{one['id']}").json["points_due"] for one in disputes]
    assert shown == [300, 100]
    assert state_of(member, redeemed) == "cancelled"


def test_a_disputed_use_is_not_undone_at_the_till_until_it_stands(member, counter, programme, shop, support):
    redeemed, _, taken = given_use(member, counter, programme, shop)
    dispute = not_me(member, taken).json
    path = f"/v1/acceptances/{taken['id']}/void"

    refused = counter.post(path, {"reason": "not the customer"})
    still = state_of(member, redeemed)
    decided(support, dispute, "merchant")
    voided = counter.post(path, {"reason": "not the customer"})

    assert (kind(refused), still) == ("acceptance-disputed", "accepted")
    assert (voided.status_code, state_of(member, redeemed)) == (201, "issued")


def test_another_use_that_is_undone_meanwhile_comes_back_frozen(member, counter, programme, shop, support):
    redeemed, code, first = given_use(member, counter, programme, shop, of=2)
    second = use(counter, code)
    dispute = not_me(member, first).json

    voided = counter.post(f"/v1/acceptances/{second['id']}/void", {"reason": "not the customer"})
    frozen = (state_of(member, redeemed), kind(counter.check(code)))
    decided(support, dispute, "merchant")

    assert voided.status_code == 201
    assert frozen == ("frozen", "voucher-not-usable")
    assert state_of(member, redeemed) == "issued"


def test_two_disputes_of_one_voucher_thaw_it_with_the_last_of_them(member, counter, programme, shop, support):
    redeemed, code, first = given_use(member, counter, programme, shop, of=3)
    second = use(counter, code)
    disputes = [not_me(member, one).json for one in (first, second)]

    states = []
    for dispute in disputes:
        decided(support, dispute, "merchant")
        states.append(state_of(member, redeemed))

    assert states == ["frozen", "issued"]


def test_who_takes_it_first_decides_it_once_and_closes_it(app, member, counter, programme, shop, support):
    _, _, taken = given_use(member, counter, programme, shop)
    path = f"/v1/disputes/{not_me(member, taken).json['id']}"
    other = caller(app, staff_token("support", "editor"))
    said = {"verdict": "merchant", "reason": "the picture of the receipt"}

    untaken, early = support.post(f"{path}/decide", said), support.post(f"{path}/close", {"closing": "x"})
    mine, again, theirs = (
        support.post(f"{path}/take"),
        support.post(f"{path}/take"),
        other.post(f"{path}/take"),
    )
    foreign = other.post(f"{path}/decide", said)
    done, twice = support.post(f"{path}/decide", said), support.post(f"{path}/decide", said)
    closed, closed_twice = (other.post(f"{path}/close", {"closing": "nothing to pay"}) for _ in range(2))

    assert [kind(untaken), kind(early), kind(theirs)] == [
        "dispute-not-taken",
        "dispute-open",
        "dispute-taken",
    ]
    assert (mine.status_code, again.json["handler"]) == (200, mine.json["handler"])
    assert [kind(foreign), kind(twice)] == ["dispute-not-taken", "dispute-decided"]
    assert (done.status_code, closed.json["state"], kind(closed_twice)) == (200, "closed", "dispute-open")


def test_of_several_who_take_it_at_once_one_has_it(app, member, counter, programme, shop):
    _, _, taken = given_use(member, counter, programme, shop)
    path = f"/v1/disputes/{not_me(member, taken).json['id']}/take"
    roles = ("editor", "finance", "analyst", "auditor")
    people = [caller(app, staff_token("support", role)) for role in roles]
    together = threading.Barrier(len(people))

    def takes(person):
        together.wait()
        return person.post(path).status_code

    with ThreadPoolExecutor(len(people)) as pool:
        answers = sorted(pool.map(takes, people))

    assert answers == [200, 409, 409, 409]


def test_the_list_goes_oldest_first_by_cursor_and_keeps_to_the_area(
    app, db, member, counter, programme, shop, support
):
    for _ in range(3):
        not_me(member, given_use(member, counter, programme, shop)[2])
    elsewhere = caller(app, staff_token("support", area="33"))

    first = support.get("/v1/disputes", state="open", limit=2).json
    rest = support.get("/v1/disputes", state="open", limit=2, cursor=first["next_cursor"]).json

    opened = [one["opened_at"] for one in first["data"] + rest["data"]]
    assert (len(first["data"]), len(rest["data"]), rest["has_more"]) == (2, 1, False)
    assert opened == sorted(opened)
    assert support.get("/v1/disputes", state="closed").json["data"] == []
    assert elsewhere.get("/v1/disputes").json["data"] == []
    assert kind(elsewhere.get(f"/v1/disputes/{first['data'][0]['id']}")) == "dispute-unknown"


def test_freezing_by_hand_is_on_record_and_no_dispute_thaws_it(
    app, db, member, counter, programme, shop, support
):
    redeemed, code, taken = given_use(member, counter, programme, shop, of=2)
    path = f"/v1/vouchers/{redeemed['voucher']}"

    thawed_early = support.post(f"{path}/thaw", {"reason": "mistake"})
    frozen = [support.post(f"{path}/freeze", {"reason": "shared on the web"}) for _ in range(2)]
    decided(support, not_me(member, taken).json, "merchant")
    still = kind(counter.check(code))
    thawed = support.post(f"{path}/thaw", {"reason": "it was the member"})

    assert kind(thawed_early) == "voucher-not-frozen"
    assert [(one.status_code, one.json["state"]) for one in frozen] == [(200, "frozen")] * 2
    assert (still, thawed.json["state"], counter.check(code).status_code) == (
        "voucher-not-usable",
        "issued",
        200,
    )
    with database.begin() as session:
        rows = session.execute(
            text(
                "select action, facts ->> 'reason' from audit where action like 'voucher.%' order by audit_id"
            )
        ).all()
    assert [tuple(row) for row in rows] == [
        ("voucher.frozen", "shared on the web"),
        ("voucher.thawed", "dispute"),
        ("voucher.thawed", "it was the member"),
    ]


def test_what_was_used_up_is_not_frozen_by_hand(member, counter, programme, shop, support):
    redeemed, _, _ = given_use(member, counter, programme, shop)

    refused = support.post(f"/v1/vouchers/{redeemed['voucher']}/freeze", {"reason": "late"})

    assert kind(refused) == "voucher-already-accepted"


def test_accepting_and_saying_it_was_not_me_at_once_never_leave_a_usable_rest(
    app, member, counter, programme, shop
):
    for _ in range(6):
        redeemed, code, taken = given_use(member, counter, programme, shop, of=3)
        token = counter.check(code).json["check_token"]
        together = threading.Barrier(2)

        def says(taken=taken, together=together):
            together.wait()
            return not_me(member, taken).status_code

        def takes(token=token, together=together):
            together.wait()
            return counter.post("/v1/vouchers/accept", {"check_token": token, "units": 1}).status_code

        with ThreadPoolExecutor(2) as pool:
            said, took = pool.submit(says), pool.submit(takes)
            assert said.result() == 201
            assert took.result() in (201, 409)
        assert state_of(member, redeemed) == "frozen"


def test_of_undoing_and_saying_it_was_not_me_at_once_one_is_done(app, member, counter, programme, shop):
    for _ in range(6):
        redeemed, _, taken = given_use(member, counter, programme, shop)
        together = threading.Barrier(2)

        def says(taken=taken, together=together):
            together.wait()
            return not_me(member, taken).status_code

        def voids(taken=taken, together=together):
            together.wait()
            return counter.post(f"/v1/acceptances/{taken['id']}/void", {"reason": "x"}).status_code

        with ThreadPoolExecutor(2) as pool:
            said, void = pool.submit(says), pool.submit(voids)
            answers = (said.result(), void.result())
        assert (answers, state_of(member, redeemed)) in (((201, 409), "accepted"), ((409, 201), "issued"))


def test_who_says_so_while_it_is_being_undone_waits_and_hears_that_it_was(
    member, counter, programme, shop, monkeypatch
):
    redeemed, _, taken = given_use(member, counter, programme, shop)
    reached, go_on = threading.Event(), threading.Event()
    told = events.voided

    def slowly(*args):
        reached.set()
        go_on.wait(5)
        told(*args)

    monkeypatch.setattr(events, "voided", slowly)
    with ThreadPoolExecutor(2) as pool:
        void = pool.submit(counter.post, f"/v1/acceptances/{taken['id']}/void", {"reason": "x"})
        assert reached.wait(5)
        said = pool.submit(not_me, member, taken)
        threading.Timer(0.5, go_on.set).start()

        assert (void.result().status_code, kind(said.result())) == (201, "already-voided")
    assert state_of(member, redeemed) == "issued"


def test_one_dispute_a_use_also_when_it_is_said_many_times_at_once(app, db, member, counter, programme, shop):
    _, _, taken = given_use(member, counter, programme, shop)
    together = threading.Barrier(5)

    def says(_):
        together.wait()
        return not_me(member, taken).json["id"]

    with ThreadPoolExecutor(5) as pool:
        found = set(pool.map(says, range(5)))

    with database.begin() as session:
        rows = session.scalars(select(Dispute)).all()
        voucher = session.scalars(select(Voucher)).one()
    assert [ids.public("dsp", row.member_id, row.dispute_id) for row in rows] == list(found)
    assert rows[0].voucher_id == voucher.voucher_id
    assert told(db).count("dispute-opened") == 1
