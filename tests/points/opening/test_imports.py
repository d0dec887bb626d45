"""Balances of the first day: proposed by their totals, approved by another person, posted once."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text

from app.proof import findings
from base import clock, csv_files, database
from base.approvals import approvals
from base.approvals.approvals import OwnProposal
from points import ledger, lots, policies, staged_lines
from points.explain import explain
from points.kinds import Kind, State
from points.members import members
from points.members.members import Enrolment
from points.models import ImportRun, PostingRow, StagedLine
from points.opening import imports, opening
from points.opening.models import OpeningLot
from points.opening.opening import Expected, NothingToPost, OtherFile, TotalsDiffer
from points.staged_lines import FileChanged
from tests.given import LONG_AGO, given_person, given_programme, secrets_of

HEAD = "key,customer_id,class,last_day,points,value_fen,source,earned_on\n"
LATER = date(2031, 3, 31)


@pytest.fixture
def programme(db):
    programme = given_programme()
    with database.begin() as session:
        rows = [Enrolment(f"C{n}", LONG_AGO) for n in range(1, 31)]
        members.enrol_many(session, programme, secrets_of(db), rows)
        policies.add_expiry_policy(session, programme.programme_id, 7, LONG_AGO, months=None)
    return programme


@pytest.fixture
def file(tmp_path):
    def write(*rows, name="balances.csv"):
        path = tmp_path / name
        path.write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return path

    return write


def opened(path):
    return csv_files.opened(path, imports.REQUIRED, imports.OPTIONAL)


def tried(programme, path, **more):
    return imports.tried(programme, path, quiet=True, **more)


def proposed(programme, path, maker=None):
    with database.begin() as session:
        return opening.propose(
            session,
            maker or given_person("editor"),
            programme,
            opened(path),
            tried(programme, path),
            clock.now(),
        )


def approved(programme, path):
    case, checker = proposed(programme, path), given_person("checker")
    proposal = case.proposal
    with database.begin() as session:
        return approvals.approve(
            session, checker, proposal.proposal_id, proposal.content_hash.hex(), clock.now()
        )


def take_in(programme, case, path, **more):
    sha256 = bytes.fromhex(case.proposal.said["sha256"])
    return imports.take_in(programme, case.proposal.proposal_id, path, sha256=sha256, quiet=True, **more)


def wallet(programme, customer_id="C1"):
    with database.begin() as session:
        found = members.find_many(session, programme.programme_id, [customer_id])
        return ledger.read(session, found[customer_id])


def standing(programme, path):
    with database.begin() as session:
        return opening.standing(session, programme, opened(path), clock.now())


def posted(case):
    with database.begin() as session:
        return opening.posted(session, case.proposal.proposal_id)


def wrong():
    with database.begin() as session:
        return list(findings(session))


def many(count):
    """Lots of all customers in no order, two classes, four months."""
    return [
        f"K{n},C{n * 7 % 30 + 1},{1 + n % 2 * 6},{date(2031, 1 + n % 4, 28)},{n % 900 + 1},{n if n % 3 else ''},boss,"
        for n in range(count)
    ]


def test_totals_say_what_would_be_posted_and_nothing_is(programme, file):
    path = file(
        f"K1,C1,1,{LATER},100,90,boss,2024-05-06",
        f"K2,C1,1,{LATER},50,,boss,",
        "K3,C2,7,,30,30,boss,",
        f"K4,nobody,1,{LATER},1,,boss,",
    )

    report = tried(programme, path)

    assert (report.read, report.posted, report.refused, report.adds_up) == (4, 3, 1, True)
    assert opening.totals_of(report) == {
        "lines": 3,
        "members": 2,
        "points": 180,
        "value_fen": 120,
        "without_value": 1,
        "by_class": [
            {"class": 1, "until": "2031-03", "points": 150},
            {"class": 7, "until": "without end", "points": 30},
        ],
    }
    assert wallet(programme).seq == 0
    with database.begin() as session:
        assert session.scalar(select(func.count()).select_from(StagedLine)) == 0


def test_approved_lots_are_posted_with_their_class_day_worth_and_source(programme, file):
    path = file(f"K1,C1,1,{LATER},100,90,boss,2024-05-06", "K2,C1,7,,30,,boss,")
    case = approved(programme, path)

    report = take_in(programme, case, path)

    assert (report.posted, report.recounted, report.clean) == (2, 130, True)
    found = wallet(programme)
    assert (found.balance, found.lots.keys) == (130, (lots.key(LATER, 1), lots.key(lots.NO_END, 7)))
    with database.begin() as session:
        first = session.scalars(select(PostingRow).order_by(PostingRow.seq)).first()
        assert (first.kind, first.value_fen) == (Kind.EARN, 90)
        assert explain(first)["en"] == "100 points brought over from boss"
        lot = session.scalars(select(OpeningLot).where(OpeningLot.key == "K1")).one()
        assert (lot.earned_on, lot.source) == (date(2024, 5, 6), "boss")
        assert (
            opening.differences(case.proposal.said, opening.posted(session, case.proposal.proposal_id)) == []
        )
    assert wrong() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_run_and_a_corrected_file_post_nothing_twice(programme, file, workers):
    rows = many(2_500)
    path = file(*rows, f"X1,later,1,{LATER},5,,boss,")
    case = approved(programme, path)
    first = take_in(programme, case, path, workers=workers)
    before = wallet(programme)

    second = take_in(programme, case, path, workers=workers)
    corrected = file(*rows, f"X1,C3,1,{LATER},5,,boss,", name="corrected.csv")
    other = approved(programme, corrected)
    third = take_in(programme, other, corrected)

    assert (first.posted, first.refused) == (2_500, 1)
    assert (second.posted, second.already_there, second.refused) == (0, 2_500, 1)
    assert wallet(programme) == before
    assert (third.posted, third.already_there, third.refused) == (1, 2_500, 0)
    assert other.proposal.said["lines"] == 1
    assert posted(case)["lines"] == 2_500
    assert wrong() == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f",C1,1,{LATER},1,,boss,", "key: is empty"),
        (f"K,,1,{LATER},1,,boss,", "customer_id: is empty"),
        (f"K,nobody,1,{LATER},1,,boss,", "customer_id: no such customer"),
        (f"K,C1,bill,{LATER},1,,boss,", "class: 'bill' is not a whole number"),
        (f"K,C1,-1,{LATER},1,,boss,", "class: must lie between"),
        (f"K,C1,32768,{LATER},1,,boss,", "class: must lie between"),
        (f"K,C1,9,{LATER},1,,boss,", "class: the programme has no expiry policy for class 9"),
        ("K,C1,1,,1,,boss,", "last_day: is empty, and points of class 1 lapse"),
        ("K,C1,1,2031-02-30,1,,boss,", "last_day: "),
        ("K,C1,1,2020-01-01,1,,boss,", "last_day: must lie between"),
        (f"K,C1,1,{lots.NO_END},1,,boss,", "last_day: must lie between"),
        (f"K,C1,1,{LATER},0,,boss,", "points: must lie between"),
        (f"K,C1,1,{LATER},-5,,boss,", "points: must lie between"),
        (f"K,C1,1,{LATER},1.5,,boss,", "points: "),
        (f"K,C1,1,{LATER},1,x,boss,", "value_fen: "),
        (f"K,C1,1,{LATER},1,-1,boss,", "value_fen: must lie between"),
        (f"K,C1,1,{LATER},1,,,", "source: is empty"),
        (f"K,C1,1,{LATER},1,,{'x' * 65},", "source: longer than 64"),
        (f"K,C1,1,{LATER},1,,boss,2999-01-01", "earned_on: must lie between"),
        (f"K,C1,1,{LATER},1,,boss", "7 fields instead of 8"),
    ],
)
def test_a_wrong_line_is_refused_and_the_next_one_counts(programme, file, row, reason):
    report = tried(programme, file(row, f"G,C2,1,{LATER},10,,boss,"))

    assert (report.posted, report.refused) == (1, 1)
    assert report.errors[0]["error"].startswith(reason)


def test_a_key_twice_is_one_lot_and_with_another_content_refused(programme, file):
    rows = [f"K1,C1,1,{LATER},10,,boss,", f"K1,C1,1,{LATER},10,,boss,", f"K1,C1,1,{LATER},11,,boss,"]
    path = file(rows[0], *many(2_100), *rows[1:], f"K1,C2,1,{LATER},10,,boss,")
    case = approved(programme, path)

    dry, real = tried(programme, path), take_in(programme, case, path)

    assert [e["error"] for e in real.errors][-1].startswith("key: changed")
    assert (real.posted, real.already_there, real.refused) == (2_102, 1, 1)
    assert (dry.posted, dry.already_there, dry.refused) == (2_102, 1, 1)


def test_who_has_left_brings_nothing(programme, file):
    with database.begin() as session:
        member_id = members.find_many(session, programme.programme_id, ["C1"])["C1"]
        members.leave(session, member_id, clock.now().date() - timedelta(days=1))

    report = tried(programme, file(f"K1,C1,1,{LATER},10,,boss,"))

    assert report.errors[0]["error"].startswith("points: ")


# Two persons


def test_who_proposed_does_not_approve(programme, file):
    maker = given_person("editor", "checker")
    case = proposed(programme, file(f"K1,C1,1,{LATER},10,,boss,"), maker)

    with pytest.raises(OwnProposal), database.begin() as session:
        approvals.approve(
            session, maker, case.proposal.proposal_id, case.proposal.content_hash.hex(), clock.now()
        )


def test_a_proposal_stands_until_it_is_rejected(programme, file):
    path = file(f"K1,C1,1,{LATER},10,,boss,")
    assert standing(programme, path) is None
    case = proposed(programme, path)

    assert standing(programme, path).proposal.proposal_id == case.proposal.proposal_id
    with database.begin() as session:
        approvals.reject(session, given_person("checker"), case.proposal.proposal_id, clock.now(), "no")
    assert standing(programme, path) is None


def test_a_file_that_was_changed_after_the_approval_is_refused_by_name(programme, file):
    path = file(f"K1,C1,1,{LATER},10,,boss,")
    case = approved(programme, path)
    file(f"K1,C1,1,{LATER},10000,,boss,")

    with pytest.raises(OtherFile):
        standing(programme, path)
    with pytest.raises(FileChanged):
        take_in(programme, case, path)
    assert wallet(programme).balance == 0


def test_once_an_approved_file_is_posted_another_of_its_name_may_be_proposed(programme, file):
    path = file(f"K1,C1,1,{LATER},10,,boss,")
    take_in(programme, approved(programme, path), path)

    assert standing(programme, file(f"K2,C1,1,{LATER},10,,boss,")) is None


@pytest.mark.parametrize("expected", [Expected(lines=2), Expected(points=11), Expected(1, 9)])
def test_totals_that_were_expected_otherwise_are_refused(programme, file, expected):
    report = tried(programme, file(f"K1,C1,1,{LATER},10,,boss,"))

    opening.check(report, Expected(1, 10))
    with pytest.raises(TotalsDiffer):
        opening.check(report, expected)


def test_a_file_that_brings_nothing_is_not_proposed(programme, file):
    with pytest.raises(NothingToPost):
        opening.check(tried(programme, file(f"K1,nobody,1,{LATER},10,,boss,")), Expected())


# Stopped in the middle


def test_a_file_that_changes_while_it_is_read_posts_nothing(programme, file, monkeypatch):
    path = file(*many(50))
    case = approved(programme, path)
    real = staged_lines.keep

    def changed_meanwhile(*given):
        real(*given)
        path.write_text(path.read_text() + f"Z,C1,1,{LATER},10,,boss,\n")

    monkeypatch.setattr(staged_lines, "keep", changed_meanwhile)
    with pytest.raises(FileChanged):
        take_in(programme, case, path)
    with database.begin() as session:
        assert session.scalar(select(func.count()).select_from(OpeningLot)) == 0
        assert session.scalar(select(func.count()).select_from(StagedLine)) == 0


def test_a_run_that_is_stopped_goes_on_and_ends_at_the_approved_totals(programme, file, monkeypatch):
    path = file(*many(3_500))
    case = approved(programme, path)
    real, calls = imports.post_lots, []

    def killed_in_the_third_part(*given):
        calls.append(given)
        found = real(*given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(imports, "post_lots", killed_in_the_third_part)
    with pytest.raises(KeyboardInterrupt):
        take_in(programme, case, path)
    assert 0 < posted(case)["lines"] < 3_500
    assert wrong() == []
    monkeypatch.setattr(imports, "post_lots", real)
    report = take_in(programme, case, path, workers=2)

    assert report.posted + report.already_there == 3_500
    assert opening.differences(case.proposal.said, posted(case)) == []
    assert wrong() == []


# The proof


TAMPERED = {
    "a lot more": "update opening_lot set points = points + 1 where key = 'K1'",
    "another class": "update opening_lot set lot_class = 7 where key = 'K1'",
    "another worth": "update opening_lot set value_fen = 1 where key = 'K1'",
    "a longer life": "update opening_lot set last_day = last_day + 1 where key = 'K1'",
    "another source": "update opening_lot set source = 'x' where key = 'K1'",
    "nobody's approval": "update opening_lot set proposal_id = 1 where key = 'K1'",
    "no lot behind a posting": "delete from opening_lot where key = 'K1'",
}


@pytest.mark.parametrize("statement", TAMPERED.values(), ids=TAMPERED.keys())
def test_what_was_tampered_with_is_found(programme, file, owner, statement):
    path = file(f"K1,C1,1,{LATER},10,,boss,", f"K2,C2,1,{LATER},10,,boss,")
    take_in(programme, approved(programme, path), path)
    assert wrong() == []
    owner.execute(text("create temp table kept as select * from opening_lot"))

    owner.execute(text(statement))

    assert {one.rule for one in wrong()} == {"opening balance"}
    owner.execute(text("delete from opening_lot"))
    owner.execute(text("insert into opening_lot select * from kept"))


def test_less_than_was_approved_is_told_and_explained_by_refusals(programme, file):
    path = file(f"K1,C1,1,{LATER},10,,boss,", f"K2,C2,1,{LATER},10,,boss,")
    case = approved(programme, path)
    with database.begin() as session:
        member_id = members.find_many(session, programme.programme_id, ["C2"])["C2"]
        ledger.set_state(session, member_id, State.CLOSED)

    report = take_in(programme, case, path)

    assert (report.posted, report.refused) == (1, 1)
    assert opening.differences(case.proposal.said, posted(case))
    with database.begin() as session:
        assert [f for f in findings(session) if f.rule == "opening balance"] == []
        assert session.scalar(select(func.count()).select_from(ImportRun)) == 1
