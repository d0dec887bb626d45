"""Extensions by two persons: what is proposed, what an approval announces, who may not, and what the books notice."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import create_engine, exc, pool, select, text
from sqlalchemy.orm import Session

from app.proof import findings
from base import clock, database, ids
from base.approvals import approvals
from base.approvals.approvals import NotAPerson, OtherContent, OwnProposal, ProposalDecided
from base.auth.principals import Service
from base.errors import NotAllowed, Problem
from points import lots
from points.announcements import announcements, verify
from points.announcements.announcements import Wanted
from points.extensions import LEAD, BadExtension, ShorterLife
from points.models import ExtensionRow
from points.programmes import ProgrammeClosed, ProgrammeUnknown
from points.wallets import wallets
from tests.given import ZONE, given_extension, given_member, given_person, given_points, given_programme
from tests.owner import forget_everything, owner

TODAY = clock.day(clock.now(), ZONE)


def in_days(days: int) -> date:
    return TODAY + timedelta(days=days)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def maker(db):
    return given_person("editor")


@pytest.fixture
def checker(db):
    return given_person("checker")


def wanted(**more: object) -> Wanted:
    usual = {"from_day": in_days(1), "until_day": in_days(3), "last_day": in_days(30)}
    return Wanted(**({"programme": "gotone", "lot_class": 1, "reason": "a good year"} | usual | more))  # type: ignore[arg-type]


def first_end(days: int) -> Wanted:
    return wanted(from_day=None, until_day=None, last_day=in_days(days))


def propose(maker, what: Wanted | None = None):
    with database.begin() as session:
        return announcements.propose(session, maker, what or wanted(), clock.now()).proposal


def approve(checker, proposal, *, seen: str | None = None):
    with database.begin() as session:
        seen = seen or proposal.content_hash.hex()
        return approvals.approve(session, checker, proposal.proposal_id, seen, clock.now())


def rows() -> list[ExtensionRow]:
    with database.begin() as session:
        return list(session.scalars(select(ExtensionRow)))


def state(proposal) -> str:
    with database.begin() as session:
        return approvals.by_id(session, proposal.proposal_id).state(clock.now())


# From the proposal to the wallet


def test_it_counts_from_five_minutes_after_the_approval_and_names_both(db, programme, maker, checker):
    member_id = given_member(db, programme)
    given_points(member_id, 10, last_day=in_days(2))
    proposed = clock.now()
    with clock.stopped(proposed):
        proposal = propose(maker)
    approved = proposed + timedelta(days=1)
    with clock.stopped(approved):
        approve(checker, proposal)

    (row,) = rows()
    with database.begin() as session:
        days = [
            wallets.show(session, member_id, moment).lots
            for moment in (proposed + LEAD, approved, approved + LEAD)
        ]
    assert (row.entered_at, row.announced_at) == (approved, approved + LEAD)
    assert row.approval == approvals.reference(proposal.proposal_id)
    assert row.announced_by == f"staff:{maker.staff_id}"
    assert days == [((in_days(2), 10),), ((in_days(2), 10),), ((in_days(30), 10),)]


def test_nobody_announces_alone(programme):
    both = given_person("editor", "checker")
    proposal = propose(both)

    with pytest.raises(OwnProposal):
        approve(both, proposal)

    assert (rows(), state(proposal)) == ([], "proposed")


def test_who_has_not_the_role_and_what_is_no_person_can_neither_propose_nor_approve(
    programme, maker, checker
):
    proposal = propose(maker)
    for stranger in (given_person("support"), given_person("finance"), checker):
        with pytest.raises(NotAllowed):
            propose(stranger)
    for stranger in (given_person("editor"), given_person("auditor")):
        with pytest.raises(NotAllowed):
            approve(stranger, proposal)
    system = Service("key", programme.programme_id, frozenset({"extensions:propose"}))
    with pytest.raises(NotAPerson):
        propose(system)

    assert rows() == []


def test_of_two_checkers_at_once_one_announces(programme, maker):
    proposal, checkers = propose(maker), [given_person("checker") for _ in range(2)]
    barrier = threading.Barrier(2)

    def one(checker):
        barrier.wait(10)
        try:
            approve(checker, proposal)
        except Problem as refusal:
            return type(refusal)
        return None

    with ThreadPoolExecutor(2) as threads:
        told = list(threads.map(one, checkers))

    assert sorted(map(str, told)) == sorted(map(str, [None, ProposalDecided]))
    assert len(rows()) == 1


def test_an_extension_that_came_in_between_is_looked_at_when_the_other_is_approved(programme, maker, checker):
    sooner, later = propose(maker, first_end(30)), propose(maker, first_end(60))
    approve(checker, later)

    with pytest.raises(ShorterLife):
        approve(checker, sooner)

    assert [row.last_day for row in rows()] == [in_days(60)]
    assert state(sooner) == "proposed"


def test_a_last_day_that_has_come_before_the_approval_is_refused(programme, maker, checker):
    proposal = propose(maker, wanted(from_day=in_days(1), until_day=in_days(1), last_day=in_days(2)))

    with (
        clock.stopped(clock.start_of(in_days(2), ZONE) + timedelta(hours=1)),
        pytest.raises(BadExtension),
    ):
        approve(checker, proposal)

    assert (rows(), state(proposal)) == ([], "proposed")


def test_a_programme_that_closed_meanwhile_announces_nothing(programme, maker, checker):
    proposal = propose(maker)
    with database.begin() as session:
        session.execute(text("update programme set closed_at = now()"))

    with pytest.raises(ProgrammeClosed):
        approve(checker, proposal)
    with pytest.raises(ProgrammeClosed):
        propose(maker)

    assert rows() == []


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ({"last_day": in_days(3)}, ShorterLife),
        ({"last_day": TODAY, "from_day": in_days(-9), "until_day": in_days(-8)}, BadExtension),
        ({"from_day": in_days(4)}, BadExtension),
        ({"from_day": None}, BadExtension),
        ({"until_day": None}, BadExtension),
        ({"from_day": lots.NO_END, "until_day": lots.NO_END}, BadExtension),
        ({"last_day": lots.NO_END}, BadExtension),
        ({"lot_class": -1}, BadExtension),
        ({"lot_class": 32768}, BadExtension),
        ({"reason": " "}, BadExtension),
        ({"reason": "a\x00b"}, BadExtension),
        ({"reason": "a" * 501}, BadExtension),
        ({"programme": "nowhere"}, ProgrammeUnknown),
    ],
)
def test_what_cannot_be_announced_is_not_proposed(programme, maker, what, refusal):
    with pytest.raises(refusal):
        propose(maker, wanted(**what))

    with database.begin() as session:
        assert approvals.listed(session, [announcements.KIND], clock.now(), limit=9) == []


# Nothing of it can be edited


def test_what_was_proposed_or_announced_cannot_be_edited(programme, maker, checker):
    proposal, other = propose(maker), propose(maker, wanted(last_day=in_days(31)))

    with pytest.raises(OtherContent):
        approve(checker, proposal, seen=other.content_hash.hex())
    approve(checker, proposal)

    for edit in (
        "update extension set last_day = last_day + 1",
        "delete from extension",
        "update proposal set content = replace(content, 'good', 'bad')",
        "delete from decision",
    ):
        with pytest.raises(exc.ProgrammingError, match="permission denied"), database.begin() as session:
            session.execute(text(edit))
    assert [row.last_day for row in rows()] == [in_days(30)]


# The books


def faults() -> list[str]:
    with database.begin() as session:
        return [finding.text for finding in findings(session) if finding.rule == "extension"]


def announce_alone(programme, approval: str | None) -> None:
    """As somebody would who has the application's role and goes round the rules."""
    at = clock.now()
    with database.begin() as session:
        session.add(
            ExtensionRow(
                extension_id=ids.new_id(), programme_id=programme.programme_id, lot_class=1, from_day=in_days(1),
                until_day=in_days(3), last_day=in_days(30), entered_at=at, announced_at=at + LEAD,
                announced_by="li", approval=approval, reason="a good year",
            )
        )  # fmt: skip


def test_an_extension_that_nobody_approved_is_found(db, programme, maker):
    unread = approvals.reference(propose(maker).proposal_id)
    named = (None, "A-1", "apr_0000000000001", unread)
    for approval in named:
        announce_alone(programme, approval)

    told = faults()
    forget_everything(db)

    assert told == [f"it names no approval: {approval}" for approval in named]


DIFFERS = "programme, class, days or reason are not those that were approved"
CHANGES = {
    "last_day = last_day + 1": DIFFERS,
    "from_day = from_day - 1": DIFFERS,
    "until_day = until_day + 1": DIFFERS,
    "lot_class = 2": DIFFERS,
    "reason = 'a bad year'": DIFFERS,
    "programme_id = 7": DIFFERS,
    "announced_by = 'staff:7'": "it names another maker",
    "entered_at = entered_at - interval '1 second'": "it was announced before it was approved",
}


def test_an_extension_that_says_another_thing_than_its_approval_is_found(db, programme):
    given_extension(programme, in_days(1), in_days(3), in_days(30))
    told = {}

    for change in CHANGES:
        with owner(db) as connection:
            before = connection.execute(text("select * from extension")).mappings().one()
            connection.execute(text(f"update extension set {change}"))
        told[change] = faults()
        with owner(db) as connection:
            back = ", ".join(f"{name} = :{name}" for name in before)
            connection.execute(text(f"update extension set {back}"), dict(before))

    assert told == {change: [fault] for change, fault in CHANGES.items()}
    assert faults() == []


def test_an_approval_announced_twice_or_never_is_found(db, programme):
    row = given_extension(programme, in_days(1), in_days(3), in_days(30))
    with owner(db) as connection:
        connection.execute(
            text(
                "insert into extension select extension_id + 1, programme_id, entered_at, announced_at, from_day, "
                "until_day, last_day, lot_class, announced_by, approval, reason from extension"
            )
        )
    twice = faults()
    with owner(db) as connection:
        connection.execute(text("delete from extension"))
    never = faults()
    forget_everything(db)

    assert twice == ["it was approved and announced 2 times"]
    assert never == ["it was approved and announced 0 times"]
    assert row.approval


def test_an_approval_by_its_own_maker_is_found_where_the_database_did_not_refuse_it(db, programme):
    given_extension(programme, in_days(1), in_days(3), in_days(30))
    engine = create_engine(db.database_owner_url or "", poolclass=pool.NullPool)

    with engine.connect() as connection:
        connection.execute(text("alter table decision drop constraint decision_two_persons"))
        connection.execute(text("update decision set person_id = maker_id"))
        told = [finding.text for finding in verify.findings(Session(connection))]
        connection.rollback()
    engine.dispose()

    assert told == ["its maker approved it"]
