"""A file of groups: set up as it says, what it says later takes the place of what it said before."""

import pytest
from sqlalchemy import func, select

from base import clock, database
from base.models import AuditRow
from points import imports as files
from points.groups import groups, imports, spending
from points.groups.models import Contact, Group, Spender
from points.members import members
from points.members.members import Enrolment
from tests.given import LONG_AGO, given_programme, secrets_of

HEAD = "group,name,class,contact,rank,cap_points,cost_centre\n"
CHUNK = 50
MANY = CHUNK + 30  # more than one transaction takes in


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch):
    monkeypatch.setattr(files, "CHUNK", CHUNK)


@pytest.fixture
def programme(db):
    programme = given_programme()
    rows = [Enrolment(name, LONG_AGO) for name in ("G1", "G2", *(f"C{n}" for n in range(MANY)))]
    with database.begin() as session:
        members.enrol_many(session, programme, secrets_of(db), rows)
    return programme


@pytest.fixture
def take_in(programme, tmp_path):
    def run(*rows, **more):
        path = tmp_path / "groups.csv"
        path.write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        return imports.take_in(programme, path, quiet=True, **more)

    return run


def rows_of(table):
    with database.begin() as session:
        return list(session.scalars(select(table)))


def allowance(programme, group="G1", contact="C1"):
    with database.begin() as session:
        found = members.find_many(session, programme.programme_id, [group, contact])
        return spending.maybe(
            session, groups.find(session, programme.programme_id, found[group]), found[contact], clock.now()
        )


def counts(report):
    return report.posted, report.already_there, report.refused


def test_groups_contacts_and_spenders_are_set_up(programme, take_in):
    report = take_in(
        "G1,Acme,百强,C1,高层领导,500,KST-7", "G1,Acme,top,C2,ordinary,,", "G2,Beta,b,C1,middle,,"
    )

    assert counts(report) == (3, 0, 0)
    assert {(g.name, g.group_class) for g in rows_of(Group)} == {("Acme", "top"), ("Beta", "b")}
    assert sorted(c.rank for c in rows_of(Contact)) == ["middle", "ordinary", "senior"]
    assert (allowance(programme).cap_points, allowance(programme).cost_centre) == (500, "KST-7")
    assert allowance(programme, contact="C2") is None


def test_the_same_again_changes_nothing(take_in):
    rows = [f"G1,Acme,a,C{n},ordinary,{n},{'K' if n % 2 else ''}" for n in range(MANY)]
    first = take_in(*rows)
    with database.begin() as session:
        audited = session.scalar(select(func.count()).select_from(AuditRow))

    second = take_in(*rows)

    assert (counts(first), counts(second)) == ((MANY, 0, 0), (0, MANY, 0))
    assert len(rows_of(Contact)) == len(rows_of(Spender)) == MANY
    with database.begin() as session:
        assert session.scalar(select(func.count()).select_from(AuditRow)) == audited


def test_a_later_file_is_the_newer_word_and_keeps_what_it_leaves_out(programme, take_in):
    take_in("G1,Acme,a,C1,ordinary,500,K1", "G1,Acme,a,C2,ordinary,5,")

    report = take_in("G1,Acme Ltd,b,C1,senior,600,", "G1,Acme Ltd,b,C2,ordinary,,")

    assert counts(report) == (1, 1, 0)
    assert [(g.name, g.group_class) for g in rows_of(Group)] == [("Acme Ltd", "b")]
    assert [c.rank for c in rows_of(Contact) if c.until is None and c.rank != "ordinary"] == ["senior"]
    assert (allowance(programme).cap_points, allowance(programme).cost_centre) == (600, "K1")
    assert allowance(programme, contact="C2").cap_points == 5


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_file_that_contradicts_itself_is_refused_however_far_apart(take_in, dry_run):
    between = [f"G1,Acme,a,C{n},ordinary,," for n in range(2, MANY)]

    report = take_in(
        "G1,Acme,a,C1,ordinary,5,", *between,
        "G1,Acme,a,C1,ordinary,5,", "G1,Acme,a,C1,ordinary,6,", "G1,Acme,b,C0,ordinary,,", dry_run=dry_run,
    )  # fmt: skip

    assert counts(report) == (MANY - 1, 1, 2)
    assert [one["error"].split(":")[0] for one in report.errors] == ["changed", "group"]


def test_a_dry_run_of_other_names_says_what_the_real_run_does(take_in):
    take_in(*[f"G1,Acme,a,C{n},ordinary,," for n in range(MANY)])
    rows = [f"G1,Acme Ltd,a,C{n},{'middle' if n == 7 else 'ordinary'},," for n in range(MANY)]

    dry, real = take_in(*rows, dry_run=True), take_in(*rows)

    assert counts(dry) == counts(real) == (2, MANY - 2, 0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("nobody,Acme,a,C1,ordinary,,", "There is no such member"),
        ("G1,Acme,a,nobody,ordinary,,", "There is no such member"),
        ("G1,Acme,a,G1,ordinary,,", "A group is not a contact of its own"),
        (",Acme,a,C1,ordinary,,", "group: is empty"),
        ("G1,,a,C1,ordinary,,", "name: is empty"),
        (f"G1,{'x' * 201},a,C1,ordinary,,", "name: longer than 200"),
        ("G1,Acme,d,C1,ordinary,,", "class: must be one of top, a, b, c, 百强, A, B, C"),
        ("G1,Acme,a,,ordinary,,", "contact: is empty"),
        ("G1,Acme,a,C1,boss,,", "rank: must be one of"),
        ("G1,Acme,a,C1,,,", "rank: must be one of"),
        ("G1,Acme,a,C1,ordinary,-1,", "cap_points: must lie between"),
        ("G1,Acme,a,C1,ordinary,１２,", "cap_points: "),
        (f"G1,Acme,a,C1,ordinary,1,{'x' * 65}", "cost_centre: longer than 64"),
        ("G1,Acme,a,C1,ordinary,,K1", "cost_centre: is of one who may spend"),
    ],
)
def test_a_wrong_row_is_refused_and_leaves_nothing(take_in, row, reason):
    report = take_in(row, "G2,Beta,b,C2,middle,,")

    assert counts(report) == (1, 0, 1)
    assert report.errors[0]["error"].startswith(reason)
    assert [g.name for g in rows_of(Group)] == ["Beta"]
