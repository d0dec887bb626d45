"""Proof of services: what is claimed, recorded, rated and confirmed; the same seed draws the same; nobody checks own work."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from admin.care import opening, tasks
from admin.care.models import CareTask
from admin.proofs import drawing, proofs, verify
from admin.proofs.models import ProofRun, ProofSample
from admin.proofs.proofs import Check
from base import clock, database
from base.errors import Problem
from catalog.ratings import ratings
from tests.given import given_area, given_member, given_offer, given_person, given_programme
from tests.ratings import redeem, used_perk

ROAMING = "care:back-from-roaming"


@pytest.fixture
def programme(db):
    return given_programme()


def month(programme):
    return clock.day(clock.now(), programme.zone).replace(day=1)


def given_done(db, programme, person, *, back=0):
    """A member whom a person called; the contact's number."""
    member_id = given_area(given_member(db, programme, points=500), "330106")
    at = clock.now()
    today = clock.day(at, programme.zone)
    with database.begin() as session:
        day = opening.day_of(session, programme, today)
        opening.told(session, day, member_id, "back-from-roaming", today - timedelta(days=back), "test", at)
        row = session.scalars(select(CareTask).where(CareTask.member_id == member_id)).one()
        done = tasks.do(
            session,
            db,
            person,
            (member_id, row.task_id),
            channel="hotline",
            result="reached",
            words="",
            at=at,
        )
        return member_id, done.contact_id


def read(programme, person, service, *, size=50, seed=1, area=""):
    """Ask for a proof and have it read; the run."""
    with database.begin() as session:
        row = proofs.ask(session, person, programme, service, month(programme), area, size, clock.now(), seed)
    drawing.run(row.run_id)
    drawing.run(row.run_id)
    with database.begin() as session:
        return session.get(ProofRun, row.run_id)


def drawn(run):
    with database.begin() as session:
        return set(map(tuple, session.execute(select(ProofSample.member_id, ProofSample.thing_id).where(ProofSample.run_id == run.run_id))))  # fmt: skip


def flags(run):
    with database.begin() as session:
        return proofs.flags(run, proofs.checks(session, [run.run_id])[run.run_id])


def answers(db, person, run, thing, answer="confirmed"):
    """None, or the name of the refusal."""
    try:
        with database.begin() as session:
            proofs.verify(
                session, db, person, (thing[0], run.run_id, thing[1]), answer, "说已接到电话", clock.now()
            )
    except Problem as refusal:
        return refusal.type_name()
    return None


def test_care_that_was_done_is_counted_drawn_and_proved_by_an_answer(db, programme):
    agent, checker = given_person("support"), given_person("checker")
    done = [given_done(db, programme, agent) for _ in range(3)]

    run = read(programme, checker, ROAMING)

    assert run.log == {"claimed": 3, "recorded": 3, "members": 3, "opened": 3, "not_reached": 0, "not_needed": 0, "still_open": 0}  # fmt: skip
    assert drawn(run) == set(done)
    assert flags(run) == ["unheard"]
    assert answers(db, checker, run, done[0]) is None
    assert flags(run) == ["proved"]
    assert answers(db, checker, run, done[1], "not-confirmed") is None
    assert flags(run) == ["contradicted"]
    assert answers(db, checker, run, done[1]) == "already-verified"


def test_the_same_seed_draws_the_same_and_another_one_need_not(db, programme):
    agent, checker = given_person("support"), given_person("checker")
    done = {given_done(db, programme, agent) for _ in range(6)}

    samples = [drawn(read(programme, checker, ROAMING, size=3, seed=seed)) for seed in (7, 7, *range(20, 26))]

    assert samples[0] == samples[1]
    assert all(len(one) == 3 and one <= done for one in samples)
    assert len({frozenset(one) for one in samples}) > 1


def test_nobody_verifies_a_contact_of_the_own_and_other_areas_are_not_there(db, programme):
    both = given_person("support", "checker")
    thing = given_done(db, programme, both)
    run = read(programme, both, ROAMING)

    assert answers(db, both, run, thing) == "own-work"
    assert answers(db, given_person("checker", area="44"), run, thing) == "proof-unknown"
    assert answers(db, given_person("checker"), run, thing, "perhaps") == "bad-proof"
    assert answers(db, given_person("checker"), run, thing) is None


def test_an_offer_is_proved_by_uses_and_ratings_and_what_was_not_used_is_told_apart(db, programme):
    checker, offer = given_person("checker"), given_offer(programme, "perk", value_fen=300)
    service = f"offer:{offer.offer_id}"
    member_id, redemption_id = used_perk(given_member(db, programme, points=900), programme, offer)
    before = read(programme, checker, service)
    with database.begin() as session:
        said = ratings.checked(5, (), "")
        ratings.rate(session, db.seal_key, member_id, (member_id, redemption_id), said, clock.now())
    rated = read(programme, checker, service)
    redeem(given_member(db, programme, points=900), offer)
    unused = read(programme, checker, service)

    assert before.log == {"claimed": 1, "recorded": 1, "members": 1}
    assert (before.survey["rated"], flags(before)) == (0, ["unheard"])
    assert (rated.survey, flags(rated)) == ({"rated": 1, "satisfied": 1, "stars": 5}, ["proved"])
    assert (unused.log["claimed"], unused.log["recorded"], flags(unused)) == (2, 1, ["unrecorded"])
    assert drawn(unused) == {(member_id, redemption_id)}


def test_a_month_to_come_a_strange_service_and_too_large_a_sample_are_refused(db, programme):
    checker = given_person("checker")
    ahead = (month(programme) + timedelta(days=40)).replace(day=1)

    with database.begin() as session, pytest.raises(proofs.BadProof) as refused:
        proofs.ask(session, checker, programme, "offer:1", ahead, "", 500, clock.now())

    assert {one["pointer"] for one in refused.value.facts["errors"]} == {"/service", "/month", "/size"}


def test_more_drawn_than_asked_for_and_own_work_verified_are_found(db, programme):
    agent, checker = given_person("support"), given_person("checker")
    given_done(db, programme, agent)
    given_done(db, programme, agent)
    read(programme, checker, ROAMING)
    with database.begin() as session:
        session.execute(
            text(
                "insert into proof_run (run_id, programme_id, seed, asked_at, ended_at, month, size, service, area, asked_by, "
                "log, survey) select 1, programme_id, seed, asked_at, ended_at, month, 1, service, area, asked_by, log, survey "
                "from proof_run"
            )
        )
        session.execute(
            text(
                "insert into proof_sample (member_id, run_id, thing_id, happened_at, rated, answer, verified_at, verified_by) "
                "select member_id, 1, thing_id, happened_at, rated, 'confirmed', now(), :id from proof_sample"
            ),
            {"id": agent.staff_id},
        )
        found = {one.text for one in verify.findings(session)}
        session.rollback()

    assert found == {"more were drawn than asked for", "the person who did it verified it"}


@given(
    claimed=st.integers(0, 9),
    missing=st.integers(0, 9),
    rated=st.integers(0, 9),
    confirmed=st.integers(0, 9),
    denied=st.integers(0, 9),
)
def test_a_claim_is_proved_only_where_it_was_recorded_and_somebody_said_so_and_nobody_otherwise(
    claimed, missing, rated, confirmed, denied
):
    run = ProofRun(log={"claimed": claimed + missing, "recorded": claimed}, survey={"rated": rated})
    check = Check(99, Counter({"confirmed": confirmed, "not-confirmed": denied}))

    proved = proofs.flags(run, check) == ["proved"]

    assert proved == bool(claimed and not missing and not denied and (rated or confirmed))
