"""Every kind that another system does comes to the same ends: done, refused, not known, cancelled, reversed."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from base import clock, database
from base.errors import Problem
from base.notices import notices
from tests.catalog import stand_ins
from tests.catalog.stand_ins import BACK, CASES, HELD, SPENT, SYSTEM, asked
from tests.sparse import each_once

KINDS = ("service", "goods", "electronic", "bundle")
POINTS = {"fulfilled": SPENT, "failed": BACK, "unknown": HELD}
TOLD = {"service": "service", "goods": "goods", "electronic": "goods", "bundle": "bundle"}


@pytest.fixture(scope="module")
def stand_in():
    with stand_ins.serving() as there:
        yield there


@pytest.fixture(autouse=True)
def _behaves(stand_in):
    stand_in.behaves()


def system(kind):
    return SYSTEM.get(kind, "fulfilment")


@pytest.mark.parametrize(("case", "kind"), each_once(CASES, KINDS))
def test_done_refused_or_not_known_there_is_either_the_thing_or_the_points(app, db, stand_in, kind, case):
    one = asked(app, db, stand_in, kind)
    assert (one.state, one.points) == ("pending", HELD)
    plans, state = CASES[case]
    stand_in.fails(system(kind), *plans)

    assert one.drain() == state

    assert one.points == POINTS[state]
    assert one.timeline()[:3] == ["requested", "pending", "fulfilling"]
    with database.begin() as session:
        told = list(
            session.scalars(text("select template from notice where template not in ('sign-in-code')"))
        )
        said = [row.text for row in notices.latest(session, db.seal_key)]
    assert [name.partition("-")[0] for name in told] == ([] if state == "unknown" else [TOLD[kind]])
    assert all("500 积分" in row for row in said)
    if state == "unknown":
        stand_in.behaves()
        for hours in (2, 4, 6):
            with clock.stopped(clock.now() + timedelta(hours=hours)):
                one.drain()
        assert (one.state, one.points) == ("fulfilled", SPENT)
        assert stand_in.ordered(system(kind), one.reference) == 1


WRONG = {
    "does it twice": ([{"mode": "double"}], "unknown"),
    "does something else": ([{"mode": "wrong"}], "unknown"),
    "is silent once": ([{"mode": "silent", "times": 1}], "fulfilled"),
    "is slow": ([{"mode": "slow", "delay_ms": 50}], "fulfilled"),
    "fails once": ([{"mode": "error", "times": 1}], "fulfilled"),
    "is too busy for ever": ([{"mode": "refuse", "status": 429}], "failed"),
    "does it and says nothing": ([{"mode": "lost_reply"}], "fulfilled"),
    "takes it and refuses it later": ([{"mode": "end"}], "failed"),
    "takes it and takes its time": ([{"mode": "hold"}], "fulfilling"),
}


@pytest.mark.parametrize(("name", "kind"), each_once(WRONG, ["service", "goods"]))
def test_whatever_the_other_side_does_wrong_nothing_is_given_twice_and_nothing_is_lost(
    app, db, stand_in, kind, name
):
    plans, state = WRONG[name]
    one = asked(app, db, stand_in, kind)
    stand_in.fails(system(kind), *plans)

    assert one.drain() == state

    assert one.points == POINTS.get(state, HELD)
    assert stand_in.ordered(system(kind), one.reference) == {"does it twice": 2}.get(
        name, state != "failed" or (name.endswith("later") and kind == "service")
    )


def test_what_takes_its_time_stays_on_its_way_even_while_nobody_answers_and_never_counts_as_not_there(
    app, db, stand_in
):
    one = asked(app, db, stand_in, "service")
    stand_in.fails("ordering", {"mode": "hold"})
    one.drain()

    stand_in.fails("ordering", {"mode": "error", "on": "look_up"})
    with clock.stopped(clock.now() + timedelta(hours=2)):
        assert one.drain() == "fulfilling"
    stand_in.behaves()
    _forgets(stand_in, "ordering", one.reference)
    with clock.stopped(clock.now() + timedelta(hours=4)):
        assert one.drain() == "unknown"

    assert one.points == HELD


def _forgets(stand_in, name, reference):
    from app.sandbox import orders

    for order in orders.of(stand_in.inside.application, name).orders:
        if order["externalId"] == reference:
            order["externalId"] = "gone"


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_cancelled_only_while_nobody_was_asked_and_reversed_only_where_the_thing_is_back(
    app, db, stand_in, kind
):
    early, late = asked(app, db, stand_in, kind), None

    answer = early.member.post(f"{early.path}/cancel")

    assert (answer.status_code, answer.json["state"]) == (200, "cancelled")
    assert (early.drain(), early.points) == ("cancelled", BACK)
    assert stand_in.ordered(system(kind), early.reference) == 0
    late = early.member.redeem(early.offer)
    assert late.status_code == 201
    taken = stand_ins.Asked(
        early.config, app, early.member, stand_in, early.offer, early.member_id,
        stand_ins.ids.parse("red", late.json["id"])[1],
    )  # fmt: skip
    assert taken.drain() == "fulfilled"
    assert taken.member.post(f"{taken.path}/cancel").status_code == 409
    with pytest.raises(Problem):
        taken.reverse()
    assert (taken.state, taken.points) == ("fulfilled", SPENT)
