"""Lists of members at the size of an operator: by several processes, killed anywhere, and of nobody's data a trace elsewhere."""

import csv
import os
import random
import signal
import stat

import pytest
from sqlalchemy import func, select, text

from base import clock, csv_files, database, ids, locks, seals, vault
from points import staged_imports, staged_lines, staging
from points.members import attributes, imports, members
from points.members.models import Member, Phone
from points.models import ImportPart, ImportRun, StagedLine
from points.staged_imports import PART, FileBeingTakenIn, Job
from points.staged_lines import FileChanged
from tests.given import given_programme
from tests.owner import forget_everything
from tests.points.stalling import SECRETS
from tests.points.test_staged_imports import Stalled, stalled, until  # noqa: F401 - a fixture
from tests.sparse import first_of

HEAD = "customer_id,joined_on,phone,left_on,tier,tier_from,birthday,area,arpu_fen,risk,name,second_phone,email,address,id_number"
ROW = "C1,2020-01-01,13800138000,,star5,2024-06-01,02-29,330106,8800,3,张三丰,02188888888,zhang@example.test,梧桐巷 9 号,X-110101"
PERSONAL = ("13800138000", "张三丰", "02188888888", "zhang@example.test", "梧桐巷", "X-110101")


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def take_in(programme, tmp_path):
    def run(*rows, head=HEAD, **more):
        path = tmp_path / "members.csv"
        path.write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")
        return imports.take_in(more.pop("of", programme), SECRETS, path, quiet=True, **more)

    return run


def counts(report):
    return report.posted, report.already_there, report.refused


def many(count, seed=1):
    """Rows of other customers in no order; some have left, some know nothing more."""
    pick = random.Random(seed)
    names = [f"N{n}" if n % 3 else str(8_000_000 + n) for n in range(count)]
    pick.shuffle(names)
    return [
        f"{name},2020-01-0{1 + n % 9},{'' if n % 5 == 0 else 13_000_000_000 + n},{'2024-05-06' if n % 7 == 0 else ''},"
        f"{'star3' if n % 2 else ''},,0{1 + n % 9}-11,{'3301' if n % 4 else ''},,,{'' if n % 3 else '李四'},,,,"
        for n, name in enumerate(names)
    ]


def everything(programme):
    """All that is known of each customer, in clear."""
    with database.begin() as session:
        rows = session.execute(text(
            "select m.customer_id, m.member_id, m.joined_on, m.left_on, w.state, w.at, f.area, f.arpu_fen, f.risk, "
            "f.birthday, f.tiers, f.joined_on, f.kind, p.since, p.sealed from member m join wallet w using (member_id) "
            "join member_facts f using (member_id) left join phone p using (member_id) where m.programme_id = :p"
        ), {"p": programme.programme_id}).all()  # fmt: skip
        everyone = [row.member_id for row in rows]
        told = attributes.of_many(session, everyone)
        latest = attributes.latest_of_many(session, everyone, imports.LATEST)
        personal = vault.opened_many(session, SECRETS.seal_key, everyone)
        keys = vault.keys_of(session, SECRETS.seal_key, everyone)
        return {
            name: (*rest, since, told.get(m), latest.get(m), personal.get(m),
                   sealed and seals.opened(keys[m], sealed, f"phone:{m}"))
            for name, m, *rest, since, sealed in rows
        }  # fmt: skip


def left_behind():
    with database.begin() as session:
        return [session.scalar(select(func.count()).select_from(table)) for table in (StagedLine, ImportPart)]


# What a list may tell


def test_all_that_a_list_tells_is_kept_where_it_belongs(programme, take_in):
    report = take_in(ROW, "C2,2020-01-01,,,,,,,,,,,,,")

    assert counts(report) == (2, 0, 0)
    *known, personal, phone = everything(programme)["C1"]
    assert known[4:9] == ["330106", 8800, 3, "02-29", ["star5"]]
    assert phone == "13800138000"
    assert personal == {
        "name": "张三丰", "second_phone": "02188888888", "email": "zhang@example.test", "address": "梧桐巷 9 号",
        "id_number": "X-110101",
    }  # fmt: skip
    with database.begin() as session:
        assert session.scalar(text("select count(*) from vault_key")) == 1


def test_each_member_is_sealed_with_a_key_of_its_own(db, programme, take_in):
    take_in(ROW, ROW.replace("C1", "C2"))

    with database.begin() as session:
        one, two = session.execute(text("select member_id, sealed from vault_item where name = 'name'")).all()
        keys = vault.keys_of(session, SECRETS.seal_key, [one.member_id, two.member_id])
        assert seals.opened(keys[one.member_id], one.sealed, f"name:{one.member_id}") == "张三丰"
        vault.shred(session, one.member_id, clock.now())
        assert vault.opened(session, SECRETS.seal_key, two.member_id)["name"] == "张三丰"
    assert take_in(ROW, ROW.replace("C1", "C2")).refused == 1
    forget_everything(db)  # where nobody approved the erasure


def test_of_the_personal_data_nothing_is_anywhere_in_clear(programme, take_in, owner, caplog, tmp_path):
    path = tmp_path / "members.csv"
    path.write_text(f"{HEAD}\n{ROW}\n{ROW.replace('X-110101', 'X-2')}\n", encoding="utf-8")
    tables = (
        owner.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars().all()
    )

    def in_clear():
        return [
            (table, personal)
            for personal in PERSONAL
            for table in tables
            if owner.execute(
                text(f"select exists (select from {table} t where t::text like :it)"), {"it": f"%{personal}%"}
            ).scalar_one()
        ]

    given_job(programme, path)
    assert left_behind()[0] == 2
    assert in_clear() == []

    report = imports.take_in(programme, SECRETS, path, quiet=True)

    assert counts(report) == (1, 0, 1)
    assert in_clear() == []
    assert [one for one in PERSONAL if one in caplog.text + repr(report)] == []


def test_the_error_file_is_for_its_owner_alone(take_in, tmp_path):
    (tmp_path / "members.errors.csv").write_text("old")
    (tmp_path / "members.errors.csv").chmod(0o644)

    take_in(ROW.replace("02-29", "02-30"))

    errors = tmp_path / "members.errors.csv"
    assert stat.S_IMODE(errors.stat().st_mode) == 0o600
    [row] = csv.DictReader(errors.open(encoding="utf-8"))
    assert (row["name"], row["line"], row["error"].split(":")[0]) == ("张三丰", "2", "birthday")


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("area", "33010", "area: is not the code"),
        ("area", "浙江", "area: "),
        ("arpu_fen", "-1", "arpu_fen: "),
        ("arpu_fen", "8.8", "arpu_fen: "),
        ("risk", "5", "risk: "),
        ("risk", "高", "risk: "),
        ("name", "x" * 101, "name: is not 1 to 100 characters"),
        ("name", " 张三", "name: "),
        ("name", "张\u202e三", "name: "),
        ("second_phone", "138-0013", "second_phone: "),
        ("email", "zhang", "email: is not an address"),
        ("email", "a@b@c", "email: is not an address"),
        ("email", "x" * 254 + "@a", "email: "),
        ("address", "x" * 301, "address: "),
        ("id_number", "x" * 33, "id_number: "),
        ("joined_on", "张三丰", "joined_on: is not a day (YYYY-MM-DD)"),
        ("left_on", "13800138000", "left_on: is not a day (YYYY-MM-DD)"),
    ],
)
def test_a_wrong_cell_is_refused_without_its_value(take_in, column, value, reason):
    cells = dict(zip(HEAD.split(","), ROW.split(","), strict=True)) | {column: value}

    report = take_in(",".join(cells.values()), "C9" + ROW[2:])

    assert counts(report) == (1, 0, 1)
    said = report.errors[0]["error"]
    assert said.startswith(reason)
    assert len(value) < 4 or value not in said


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        ("张三丰", "张君宝", ""),
        ("zhang@", "z@", ""),
        ("梧桐巷 9 号", "梧桐巷 10 号", ""),
        ("02188888888", "02199999999", ""),
        ("X-110101", "X-2", "id_number: changed"),
        ("13800138000", "13900139000", "phone: changed"),
        (",8800,", ",9900,", "arpu_fen: changed; from"),
        ("330106", "3302", "area: changed; from"),
    ],
)
def test_what_is_told_anew_the_same_day(programme, take_in, old, new, outcome):
    take_in(ROW)
    before = everything(programme)

    report = take_in(ROW.replace(old, new))

    assert counts(report) == ((0, 0, 1) if outcome else (1, 0, 0))
    if outcome:
        assert report.errors[0]["error"].startswith(outcome)
        assert everything(programme) == before
    else:
        assert new in str(everything(programme)["C1"][-2])
        assert take_in(ROW.replace(old, new)).already_there == 1


def test_another_area_bill_or_risk_of_another_day_is_the_newer_word(programme, take_in):
    take_in(ROW)
    with clock.stopped(clock.now().replace(year=2030)):
        report = take_in(ROW.replace("330106", "3302").replace(",3,", ",1,").replace("8800", "100"))

    assert counts(report) == (1, 0, 0)
    assert everything(programme)["C1"][4:7] == ("3302", 100, 1)


def test_a_known_customer_may_get_all_of_it_later(programme, take_in):
    take_in("C1,2020-01-01", head="customer_id,joined_on")

    report = take_in(ROW.replace("13800138000", ""))

    assert counts(report) == (1, 0, 0)
    assert everything(programme)["C1"][4:7] == ("330106", 8800, 3)
    assert everything(programme)["C1"][-2]["name"] == "张三丰"


# Many


@pytest.mark.parametrize("workers", first_of(2, 1))
def test_the_outcome_is_the_same_whoever_works_at_it_and_whatever_the_dry_run_said(
    db, programme, take_in, workers
):
    rows = many(2 * PART + 300)
    rows += [rows[0], rows[5].replace("2020", "2019"), "N1", *rows[100:103]]
    one = given_programme("one")

    dry, real, alone = (
        take_in(*rows, dry_run=True, workers=workers), take_in(*rows, workers=workers), take_in(*rows, of=one),
    )  # fmt: skip

    assert counts(dry) == counts(real) == counts(alone) == (2 * PART + 300, 4, 2)
    assert (
        [e["line"] for e in dry.errors]
        == [e["line"] for e in real.errors]
        == [2 * PART + 303, 2 * PART + 304]
    )
    assert everything(programme) == everything(one)
    assert left_behind() == [0, 0]


def test_a_second_run_changes_nothing(programme, take_in):
    rows = many(PART + 50)
    take_in(*rows)
    before = everything(programme)

    report = take_in(*rows, workers=2)

    assert counts(report) == (0, PART + 50, 0)
    assert everything(programme) == before


def test_lines_end_as_they_may_and_the_first_may_have_a_mark(programme, tmp_path):
    path = tmp_path / "members.csv"
    path.write_bytes(
        b'\xef\xbb\xbfcustomer_id,joined_on,name\r\nC1,2020-01-01,\xe5\xbc\xa0\r\n\r\nC2,2020-01-01,"a,b"\nC3,2020-01-01,x'
    )

    report = imports.take_in(programme, SECRETS, path, quiet=True)

    assert counts(report) == (3, 0, 0)
    assert {c: one[-2]["name"] for c, one in everything(programme).items()} == {
        "C1": "张",
        "C2": "a,b",
        "C3": "x",
    }


def test_customers_who_are_near_each_other_are_done_together_and_nobody_is_nobody():
    found = imports.together(["8610000000001", "8610000000002", "0", "C1", "", "9" * 19])

    assert found["8610000000002"] - found["8610000000001"] == 1
    assert all(0 < number < 2**63 for number in found.values())
    assert len(set(found.values())) == 6


# Two at once, killed, changed


def given_job(programme, path):
    """A list that is staged and not begun."""
    with database.begin() as session:
        form = imports.form(SECRETS, session, programme)
    file = csv_files.opened(path, imports.REQUIRED, imports.OPTIONAL)
    job = Job(programme.programme_id, ids.new_id(), file, False, imports.form)
    staged_lines.stage(job, form, quiet=True)
    return job


def test_who_comes_while_the_list_is_taken_in_is_told_so(programme, take_in, tmp_path):
    take_in(ROW, dry_run=True)
    file = csv_files.opened(tmp_path / "members.csv", imports.REQUIRED, imports.OPTIONAL)

    with locks.held(f"import {programme.programme_id} members {file.sha256.hex()}") as mine:
        assert mine
        with pytest.raises(FileBeingTakenIn):
            take_in(ROW)
    assert take_in(ROW).posted == 1


def test_two_lists_at_once_enrol_a_customer_once(programme, take_in, monkeypatch):
    real, others = members.enrol_new, []

    def somebody_is_first(*given, **more):
        if not others:
            others.append(1)
            with database.begin() as session:
                real(session, *given[1:], **more)
        return real(*given, **more)

    monkeypatch.setattr(members, "enrol_new", somebody_is_first)
    report = take_in(ROW)

    assert counts(report) == (0, 1, 0)
    with database.begin() as session:
        assert session.scalar(select(func.count()).select_from(Member)) == 1
        assert session.scalar(select(func.count()).select_from(Phone)) == 1


@pytest.mark.parametrize("workers", first_of(2, 1))
def test_a_run_that_was_killed_goes_on(db, programme, tmp_path, stalled, workers):  # noqa: F811
    path, calm = tmp_path / "many.csv", given_programme("calm")
    path.write_text("\n".join((HEAD, *many(8 * PART))) + "\n", encoding="utf-8")
    first = stalled(db, path, workers, "members")
    first.run.kill()
    assert first.run.wait() == -signal.SIGKILL
    first.goes_on()

    second = imports.take_in(programme, SECRETS, path, quiet=True, workers=workers)

    assert second.posted + second.already_there == 8 * PART
    assert second.already_there >= 2 * workers * PART
    assert second.adds_up
    assert imports.take_in(calm, SECRETS, path, quiet=True).posted == 8 * PART
    assert everything(programme) == everything(calm)
    assert left_behind() == [0, 0]


def test_a_list_that_is_changed_while_it_is_taken_in_is_stopped(programme, tmp_path):
    path = tmp_path / "members.csv"
    path.write_text(f"{HEAD}\n{ROW}\n", encoding="utf-8")
    job = given_job(programme, path)
    with database.begin() as session:
        staging.plan(session, job.import_id, PART)
        form = imports.form(SECRETS, session, programme)
    path.write_text(f"{HEAD}\n{ROW} \n", encoding="utf-8")

    with pytest.raises(FileChanged), database.begin() as session:
        staged_imports._next_part(session, job, programme, form, staging.ALL, 0)
    with database.begin() as session:
        staging.clear(session, job.import_id)
        assert session.scalar(select(func.count()).select_from(Member)) == 0
        assert session.scalar(select(func.count()).select_from(ImportRun)) == 0
    assert os.path.exists(path)
