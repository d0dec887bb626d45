"""Files of line events: good rows count once, bad rows go to the error file, nothing of a dry run is kept."""

import csv

import pytest
from sqlalchemy import func, select

from base import database
from points.kinds import State
from points.lines import imports
from points.lines.models import LineEvent
from points.members import members
from tests.given import given_member, given_programme
from tests.points.lines.telling import days, today, wallet

HEAD = "customer_id,event_id,state,since,reason\n"


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=100)


@pytest.fixture
def take_in(db, programme, tmp_path):
    def run(text, **more):
        path = tmp_path / "events.csv"
        path.write_text(text, encoding="utf-8")
        return imports.take_in(programme, db, path, quiet=True, **more)

    return run


def customer(member_id):
    with database.begin() as session:
        return members.by_id(session, member_id).customer_id


def counted():
    with database.begin() as session:
        return session.scalar(select(func.count()).select_from(LineEvent))


def test_events_of_a_file_count_once_however_often_it_is_taken_in(take_in, member_id):
    who = customer(member_id)
    text = HEAD + f"{who},E1,suspended,{today() - days(5)},unpaid\n{who},E2,active,{today() - days(2)},paid\n"

    first, second = take_in(text), take_in(text)

    assert (first.posted, first.refused, second.posted, second.already_there) == (2, 0, 0, 2)
    assert (counted(), wallet(member_id).state) == (2, State.OPEN)


def test_bad_rows_are_named_and_stop_no_good_one(take_in, member_id, tmp_path):
    who, day = customer(member_id), today()
    rows = [
        f"C404,E1,suspended,{day},unpaid",
        f"{who},E2,sleeping,{day},unpaid",
        f"{who},E3,suspended,{day + days(1)},unpaid",
        f"{who},E4,suspended,not a day,unpaid",
        f"{who},E5,suspended,{day},",
        f"{who},E6,suspended,{day},unpaid",
        f"{who},E6,suspended,{day},lost",
    ]

    report = take_in(HEAD + "\n".join(rows) + "\n")

    with (tmp_path / "events.errors.csv").open(encoding="utf-8") as file:
        errors = {row["event_id"] + row["reason"]: row["error"] for row in csv.DictReader(file)}
    assert (report.posted, report.refused, report.clean) == (1, 6, False)
    assert errors["E1unpaid"] == "customer_id: no such customer in this programme"
    assert errors["E2unpaid"].startswith("state: must be one of active")
    assert "future" in errors["E3unpaid"]
    assert errors["E4unpaid"].startswith("since:")
    assert errors["E5"].startswith("reason:")
    assert "other contents" in errors["E6lost"]
    assert wallet(member_id).state is State.FROZEN


def test_a_refusal_half_way_undoes_its_own_row_alone(take_in, programme, db, member_id, monkeypatch):
    from points.lines import effects
    from points.refusals import LotsFull

    other = given_member(db, programme, points=10)
    real = effects.close

    def fails_for_one(session, config, member, *rest):
        real(session, config, member, *rest)
        if member.member_id == member_id:
            raise LotsFull()

    monkeypatch.setattr(effects, "close", fails_for_one)
    day = today()
    report = take_in(
        HEAD + f"{customer(member_id)},E1,cancelled,{day},x\n{customer(other)},E1,cancelled,{day},x\n"
    )

    assert (report.posted, report.refused, counted()) == (1, 1, 1)
    assert (wallet(member_id).state, wallet(other).state) == (State.OPEN, State.CLOSED)


def test_nothing_of_a_dry_run_is_kept(take_in, member_id):
    report = take_in(HEAD + f"{customer(member_id)},E1,cancelled,{today()},gone\n", dry_run=True)

    assert (report.posted, counted(), wallet(member_id).state) == (1, 0, State.OPEN)


def test_cancelling_and_joining_again_in_one_file_makes_two_members(take_in, programme, member_id):
    who = customer(member_id)
    text = (
        "customer_id,event_id,state,since,reason,clearing_day,to_customer,phone\n"
        f"{who},E1,cancelled,{today() - days(5)},gone,{today() + days(40)},,\n"
        f"{who},E2,active,{today() - days(2)},back,,,13700009999\n"
        f"{who},E3,suspended,{today() - days(1)},unpaid,,,\n"
    )

    first, second = take_in(text), take_in(text)

    with database.begin() as session:
        now = members.open_member(session, programme.programme_id, who)
    assert (first.posted, second.already_there) == (3, 3)
    assert now not in (None, member_id)
    assert (wallet(member_id).state, wallet(now or 0).state) == (State.CLOSED, State.FROZEN)
