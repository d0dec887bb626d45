"""The own data as a file: written by a job, once a day, fetched for a day by its member alone, without what opens anything."""

import csv
import io
import json
import zipfile
from datetime import timedelta

import pytest

from base import clock, database, ids, jobs, vault
from points.exports import archive, exports
from points.exports.models import MemberExport
from points.preferences import preferences
from tests.given import caller, given_member, given_offer, given_programme, given_shop, member_token


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member_id(db, programme):
    return given_member(db, programme, points=500, phone="13712345678")


def made(db, member_id, at=None):
    with clock.stopped(at or clock.now()):
        with database.begin() as session:
            row = exports.ask(session, member_id, "en", clock.now())
        jobs.drain(db.database_url)
    return row.export_id


def fetched(db, member_id, export_id, at=None):
    with database.begin() as session:
        body = exports.fetch(session, db, member_id, export_id, f"member:{member_id}", at or clock.now())
    return zipfile.ZipFile(io.BytesIO(body))


def test_everything_about_the_member_is_in_it_and_nothing_that_opens_a_voucher(app, db, programme, member_id):
    me = caller(app, member_token(member_id))
    offer = given_offer(programme, "voucher", merchant_id=given_shop().merchant.merchant_id, value_fen=100)
    redeemed = me.post("/v1/redemptions", {"quote": me.quote(offer).json["id"]}).json
    code = me.get(f"/v1/vouchers/{redeemed['voucher']}").json["code"]
    with database.begin() as session:
        vault.put(session, db.seal_key, member_id, {vault.NAME: "=cmd|张三"}, clock.now(), "hall")
        preferences.say(
            session,
            db,
            member_id,
            "industry",
            ["finance"],
            consent=True,
            channel="member_web",
            at=clock.now(),
        )

    found = fetched(db, member_id, made(db, member_id))

    names = [part.name for part in exports._parts]
    assert set(found.namelist()) == {f"{n}.{kind}" for n in names for kind in ("json", "csv")} | {
        "README.txt"
    }
    tables = {name: json.loads(found.read(f"{name}.json")) for name in names}
    assert tables["profile"][0]["phone"] == "13712345678"
    assert [row["points"] for row in tables["movements"]] == [-100, 500]
    assert [row["points"] for row in tables["lots"]] == [400]
    assert tables["redemptions"][0]["id"] == redeemed["id"]
    assert (len(tables["vouchers"]), len(tables["consents"]), len(tables["sign-ins"])) == (1, 1, 1)
    everything = b"".join(found.read(name) for name in found.namelist()).decode()
    assert code.replace("-", "") not in everything.replace("-", "")
    rows = list(csv.reader(io.StringIO(found.read("profile.csv").decode().lstrip("\ufeff"))))
    assert "'=cmd|张三" in rows[1]


def test_once_a_day_fetched_for_a_day_by_its_member_alone_and_each_time_is_written_down(
    db, programme, member_id
):
    at = clock.now()
    export_id = made(db, member_id, at)
    other = given_member(db, programme)

    with pytest.raises(exports.OneExportADay), database.begin() as session:
        exports.ask(session, member_id, "en", at)
    fetched(db, member_id, export_id)
    fetched(db, member_id, export_id)
    with pytest.raises(exports.ExportGone):
        fetched(db, other, export_id)
    with pytest.raises(exports.ExportGone):
        fetched(db, member_id, export_id, at + timedelta(hours=24, seconds=1))
    with clock.stopped(at + timedelta(hours=25)):
        exports.forget()

    with database.begin() as session:
        row = session.get(MemberExport, (member_id, export_id))
        assert (row.downloads, row.done, row.total, row.file) == (
            2,
            len(exports._parts),
            len(exports._parts),
            None,
        )
    assert made(db, member_id, at + timedelta(days=1)) != export_id


def test_a_job_that_runs_twice_writes_one_file_and_none_for_an_erased_person(db, member_id):
    export_id = made(db, member_id)
    with database.begin() as session:
        before = session.get(MemberExport, (member_id, export_id)).made_at

    exports.run(db, member_id, export_id)

    with database.begin() as session:
        assert session.get(MemberExport, (member_id, export_id)).made_at == before


def test_the_page_shows_how_far_it_is_and_a_second_tap_asks_for_nothing_more(app, db, member_id):
    app.config["WTF_CSRF_ENABLED"] = False
    browser = app.test_client()
    browser.set_cookie("jifen_member", member_token(member_id))

    for _ in range(2):
        assert browser.post("/account/export").status_code == 303
    waiting = browser.get("/account/privacy?lang=en").text
    jobs.drain(db.database_url)
    ready = browser.get("/account/privacy").text
    with database.begin() as session:
        row = exports.latest(session, member_id)
    answer = browser.get(f"/account/exports/{ids.public('exp', member_id, row.export_id)}")

    assert "Being written" in waiting
    assert "hx-trigger" in waiting
    assert "Fetch my data" in ready
    assert "Being written" not in ready
    assert (answer.status_code, answer.mimetype, answer.headers["Cache-Control"]) == (
        200,
        "application/zip",
        "no-store",
    )
    assert zipfile.ZipFile(io.BytesIO(answer.data)).testzip() is None
    assert browser.post("/account/export").status_code == 409


def test_what_a_spreadsheet_would_run_is_made_harmless():
    made_of = archive.Archive()
    made_of.add("t", ("a",), [{"a": "=1+1"}, {"a": ["x", 1]}, {"a": None}])

    found = zipfile.ZipFile(io.BytesIO(made_of.closed("en")))

    assert found.read("t.csv").decode().lstrip("\ufeff").splitlines() == ["a", "'=1+1", '"[""x"", 1]"', '""']
