"""Seats at events: as many as there are, the rest in line, in the order of asking; points are spent when a seat is sure."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.wiring import wire
from base import clock, database, ids, jobs
from catalog.events import attendance, forms, job
from catalog.events.models import Seat
from catalog.offers import offers
from catalog.offers.forms import BadForm
from catalog.offers.models import Offer
from tests.catalog.redemptions.test_races import at_once
from tests.given import (
    caller,
    given_area,
    given_member,
    given_offer,
    given_points,
    given_programme,
    member_token,
    reverse_by_two,
    service_key,
    staff_token,
)


def signed_up(app, db, programme, offer, count):
    """Members with points for one seat, who signed up one after the other, and their redemptions."""
    members = [caller(app, member_token(given_member(db, programme, points=100))) for _ in range(count)]
    return [(member, member.redeem(offer).json) for member in members]


def seat(member, redemption):
    return member.get(f"/v1/redemptions/{redemption['id']}/seat").json


def patient(member, path, body=None):
    """Ask as a client does: with one key, again as long as the answer is to come again."""
    key = str(uuid4())
    while True:
        answer = member.post(path, body, key=key)
        if answer.json.get("type") != "/problems/still-running":
            return answer


def held(member):
    return member.get("/v1/members/me/wallet").json["held"]


@pytest.mark.timeout(180)
def test_fifty_who_sign_up_at_once_for_twenty_seats_are_twenty_seats_and_thirty_ordered_places(app, db):
    wire(db, pool_size=50)
    programme = given_programme()
    offer = given_offer(programme, "event", value_fen=100, form={"capacity": 20, "waiting": 30})
    members = [caller(app, member_token(given_member(db, programme, points=100))) for _ in range(51)]
    quotes = [member.quote(offer).json["id"] for member in members]

    answers = at_once(
        *(
            lambda m=m, q=q: patient(m, "/v1/redemptions", {"quote": q})
            for m, q in zip(members[:50], quotes[:50], strict=True)
        )
    )
    late = members[50].post("/v1/redemptions", {"quote": quotes[50]})

    assert {answer.status_code for answer in answers} == {201}
    states = sorted(answer.json["state"] for answer in answers)
    assert states == ["fulfilled"] * 20 + ["pending"] * 30
    with database.begin() as session:
        lines = session.execute(text("select state, line_no from seat order by line_no nulls first")).all()
    assert [tuple(row) for row in lines] == [("taken", None)] * 20 + [("waiting", n) for n in range(1, 31)]
    assert sum(held(member) for member in members) == 30 * 100
    assert (late.status_code, late.json["type"]) == (409, "/problems/event-full")
    assert members[50].spendable() == 100


def test_a_seat_that_is_given_back_goes_down_the_line_and_nobody_pays_before_it_is_sure(app, db):
    programme = given_programme()
    offer = given_offer(programme, "event", value_fen=100, form={"capacity": 1, "offer_hours": 2})
    (ann, first), (ben, second), (cat, third) = signed_up(app, db, programme, offer, 3)
    assert (first["state"], second["state"], third["state"]) == ("fulfilled", "pending", "pending")
    assert (seat(ben, second)["ahead"], seat(cat, third)["ahead"]) == (0, 1)
    assert (
        ben.post(f"/v1/redemptions/{second['id']}/seat/confirm").json["type"] == "/problems/nothing-offered"
    )

    assert ann.post(f"/v1/redemptions/{first['id']}/cancel").status_code == 200
    jobs.drain(db.database_url)

    assert (ann.spendable(), seat(ann, first)["state"]) == (100, "given_back")
    assert (seat(ben, second)["state"], seat(cat, third)["state"]) == ("offered", "waiting")
    assert (ben.spendable(), held(ben)) == (0, 100)
    with clock.stopped(clock.now() + timedelta(hours=2, minutes=1)):
        late = ben.post(f"/v1/redemptions/{second['id']}/seat/confirm")
        jobs.drain(db.database_url)
        assert late.json["type"] == "/problems/offer-lapsed"
        assert seat(ben, second)["state"] == "given_back"
        assert ben.get(f"/v1/redemptions/{second['id']}").json["state"] == "cancelled"
        assert ben.spendable() == 100
        taken = cat.post(f"/v1/redemptions/{third['id']}/seat/confirm", key="k")
        again = cat.post(f"/v1/redemptions/{third['id']}/seat/confirm", key="k")
        assert (taken.json["state"], again.json) == ("taken", taken.json)
        steps = cat.get(f"/v1/redemptions/{third['id']}").json["timeline"]
        assert [step["state"] for step in steps] == ["requested", "pending", "fulfilled"]
        assert (cat.spendable(), held(cat)) == (0, 0)
    with database.begin() as session:
        told = session.execute(text("select count(*) from notice where template = 'seat-offered'")).scalar()
    assert told == 2


def test_who_leaves_the_line_gets_the_points_back_and_may_sign_up_again_at_its_end(app, db):
    programme = given_programme()
    offer = given_offer(programme, "event", value_fen=100, form={"capacity": 1})
    _, (ben, second), (cat, third) = signed_up(app, db, programme, offer, 3)
    given_points(ids.parse("red", second["id"])[0], 100)

    assert ben.redeem(offer).json["type"] == "/problems/seat-taken"
    assert ben.post(f"/v1/redemptions/{second['id']}/cancel").status_code == 200
    assert (ben.spendable(), seat(cat, third)["ahead"]) == (200, 0)
    again = ben.redeem(offer).json
    assert seat(ben, again)["ahead"] == 1


def test_of_all_who_cancel_confirm_and_sign_up_at_once_no_seat_is_lost_or_given_twice(app, db):
    wire(db, pool_size=24)
    programme = given_programme()
    offer = given_offer(programme, "event", value_fen=100, form={"capacity": 4})
    seated = signed_up(app, db, programme, offer, 8)
    late = [caller(app, member_token(given_member(db, programme, points=100))) for _ in range(8)]
    quotes = [member.quote(offer).json["id"] for member in late]

    answers = at_once(
        *(lambda m=m, r=r: patient(m, f"/v1/redemptions/{r['id']}/cancel") for m, r in seated[:6]),
        *(
            lambda m=m, q=q: patient(m, "/v1/redemptions", {"quote": q})
            for m, q in zip(late, quotes, strict=True)
        ),
    )

    assert {answer.status_code // 100 for answer in answers} == {2}
    with database.begin() as session:
        states = dict(session.execute(text("select state, count(*) from seat group by state")).all())
    assert states == {"given_back": 6, "offered": 4, "waiting": 6}


def test_who_was_let_in_attended_and_who_did_not_come_signs_up_for_nothing_for_a_while(app, db):
    programme = given_programme()
    form = {"capacity": 2, "bar_days": 30, "check_in_minutes": 60}
    offer = given_offer(programme, "event", value_fen=50, form=form)
    (_, first), (ben, second) = signed_up(app, db, programme, offer, 2)
    desk, event = caller(app, service_key(programme, "events:manage")), ids.public("off", offer.offer_id)
    early = desk.post(f"/v1/events/{event}/check-ins", {"redemption": first["id"]})

    with clock.stopped(offer.event_at - timedelta(minutes=30)):
        came = desk.post(f"/v1/events/{event}/check-ins", {"redemption": first["id"]})
        again = desk.post(f"/v1/events/{event}/check-ins", {"redemption": first["id"]})
    with clock.stopped(offer.event_at + timedelta(minutes=1)):
        over = ben.post(f"/v1/redemptions/{second['id']}/cancel")
        closed = ben.quote(offer)
    with clock.stopped(offer.event_at + timedelta(hours=25)), database.begin() as session:
        job.note_missed(session, clock.now())
        assert not job.note_missed(session, clock.now())

    assert early.json["type"] == "/problems/not-check-in-time"
    assert came.json["state"] == again.json["state"] == "attended"
    assert (over.status_code, closed.json["type"]) == (409, "/problems/event-began")
    listed = desk.get(f"/v1/events/{event}/seats").json["data"]
    assert [one["state"] for one in listed] == ["attended", "missed"]
    with clock.stopped(offer.event_at + timedelta(days=20)):
        later = given_offer(
            programme, "event", value_fen=50, form=form, event_at=clock.now() + timedelta(days=5)
        )
        ben_again = caller(app, member_token(ids.parse("red", second["id"])[0]))
        refused = ben_again.redeem(later)
        assert refused.json["type"] == "/problems/barred-from-events"


def test_what_is_no_seat_of_the_event_is_not_let_in(app, db):
    programme = given_programme()
    offer = given_offer(programme, "event", value_fen=50)
    other = given_offer(programme, "event", value_fen=50)
    [(ann, first)] = signed_up(app, db, programme, offer, 1)
    ann.post(f"/v1/redemptions/{first['id']}/cancel")
    member_id, redemption_id = ids.parse("red", first["id"])

    with clock.stopped(offer.event_at), database.begin() as session:
        with pytest.raises(attendance.NoSeat):
            attendance.check_in(
                session,
                offers.by_id(session, other.offer_id, clock.now()),
                member_id,
                redemption_id,
                clock.now(),
            )
        with pytest.raises(attendance.SeatNotTaken):
            attendance.check_in(session, offer, member_id, redemption_id, clock.now())
        assert session.query(Seat).count() == 1


def test_a_desk_of_an_area_sees_and_lets_in_its_own_members_alone(app, db):
    programme = given_programme()
    offer = given_offer(programme, "event", value_fen=50)
    (_, near), (_, far) = signed_up(app, db, programme, offer, 2)
    given_area(ids.parse("red", near["id"])[0], "330106")
    event = ids.public("off", offer.offer_id)

    with clock.stopped(offer.event_at):
        desk = caller(app, staff_token("support", area="3301"))
        seen = desk.get(f"/v1/events/{event}/seats").json["data"]
        came = desk.post(f"/v1/events/{event}/check-ins", {"redemption": near["id"]})
        other = desk.post(f"/v1/events/{event}/check-ins", {"redemption": far["id"]})

    assert [one["redemption"] for one in seen] == [near["id"]]
    assert (came.status_code, other.status_code) == (200, 404)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"form": {}}, "form.capacity"),
        ({"form": {"capacity": 0}}, "form.capacity"),
        ({"form": {"capacity": True}}, "form.capacity"),
        ({"form": {"capacity": 5, "seats": 5}}, "form.seats"),
        ({"form": {"capacity": 5}, "event_at": None}, "event_at"),
        ({"form": {"capacity": 5}, "most_units": 2}, "most_units"),
    ],
)
def test_a_form_that_is_none_of_an_event_is_refused_with_its_field(more, field):
    values = {"kind": "event", "event_at": clock.now(), "most_units": 1} | more

    with pytest.raises(BadForm) as refused:
        forms.check(Offer(**values))

    assert refused.value.facts["field"] == field


def test_a_seat_that_was_used_is_not_handed_back_and_two_persons_undo_it_with_its_place(app, db):
    programme = given_programme()
    offer = given_offer(programme, "event", value_fen=50, form={"capacity": 1})
    [(ann, first)] = signed_up(app, db, programme, offer, 1)
    member_id, redemption_id = ids.parse("red", first["id"])

    with clock.stopped(offer.event_at - timedelta(minutes=10)):
        with database.begin() as session:
            attendance.check_in(session, offer, member_id, redemption_id, clock.now())
        inside = ann.post(f"/v1/redemptions/{first['id']}/cancel")
        undone = reverse_by_two(app, first)
        late = caller(app, member_token(given_member(db, programme, points=50))).redeem(offer)

    assert (inside.status_code, inside.json["type"]) == (409, "/problems/seat-used")
    assert (undone.status_code, ann.spendable(), late.json["state"]) == (200, 100, "fulfilled")


def test_who_waited_in_vain_has_the_points_back_and_more_places_go_down_the_line_by_themselves(app, db):
    programme = given_programme()
    offer = given_offer(programme, "event", value_fen=100, form={"capacity": 1, "waiting": 2})
    _, (ben, second), (cat, third) = signed_up(app, db, programme, offer, 3)
    values = {name: getattr(offer, name) for name in ("value_fen", "cost_fen", "category", "names", "texts",
                                                       "cancellable", "event_at", "most_units")}  # fmt: skip
    with database.begin() as session:
        offers.add_version(session, offer.offer_id, clock.now(), **values, form={"capacity": 2, "waiting": 2})

    job.sweep(clock.now())
    assert (seat(ben, second)["state"], seat(cat, third)["state"]) == ("offered", "waiting")
    with clock.stopped(offer.event_at + timedelta(minutes=5)):
        job.sweep(clock.now())
        jobs.drain(db.database_url)
        assert [cat.get(f"/v1/redemptions/{third['id']}").json["state"], cat.spendable()] == [
            "cancelled",
            100,
        ]
        assert [ben.get(f"/v1/redemptions/{second['id']}").json["state"], ben.spendable()] == [
            "cancelled",
            100,
        ]
