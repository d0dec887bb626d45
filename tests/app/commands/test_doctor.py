"""jifen doctor and the start of the web process: what a database must promise before points stand on it."""

import hashlib
import json
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import safeguards, serve
from app.wiring import wire
from base import clock, database

SECRETS = ("JIFEN_SECRET_KEY", "JIFEN_VOUCHER_PEPPER", "JIFEN_SEAL_KEY")


@pytest.fixture
def production(monkeypatch):
    """From here on the environment says that this is production."""
    monkeypatch.setenv("JIFEN_ENV", "production")
    monkeypatch.setenv("JIFEN_HOSTS", "points.example")
    for name in SECRETS:
        monkeypatch.setenv(name, hashlib.sha256(name.encode()).hexdigest())


def checks(answer) -> dict[str, dict[str, object]]:
    return {check["name"]: check for check in json.loads(answer.stdout)["checks"]}


def test_a_database_of_the_tests_need_not_be_durable(cli):
    found = checks(cli("doctor", "--json"))

    assert found["role"]["well"]
    assert not set(safeguards.DURABLE) & set(found)


def test_in_production_each_setting_that_is_off_is_a_finding(cli, production):
    answer = cli("doctor", "--json")

    found = checks(answer)
    assert answer.exit_code == 1
    for name in ("fsync", "full_page_writes", "synchronous_commit"):  # as tests start PostgreSQL
        assert not found[name]["well"]
        assert "on" in found[name]["mend"]
    assert "data_checksums" not in found  # these are on
    assert found["role"]["well"]


def test_a_role_that_owns_the_tables_is_a_finding_and_says_what_it_could_do(cli, db, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", db.database_owner_url)

    answer = cli("doctor", "--json")

    found = checks(answer)["role"]
    wire(db)
    assert answer.exit_code == 1
    for told in ("owns the postings", "update", "delete", "create tables"):
        assert told in found["text"]


@pytest.mark.parametrize(
    ("right", "told"),
    [
        ("update on posting", "may update postings"),
        ("update (amount) on posting", "may update postings"),
        ("delete on posting", "may delete postings"),
        ("truncate on posting", "may empty the table"),
        ("create on schema public", "may create tables"),
    ],
)
def test_one_right_too_many_is_a_finding(db, owner, right, told):
    owner.execute(text(f"grant {right} to jifen_app"))
    try:
        with database.begin() as session:
            (found,) = safeguards.too_mighty(session)
    finally:
        owner.execute(text(f"revoke {right} from jifen_app"))

    assert told in found.text
    with database.begin() as session:
        assert list(safeguards.too_mighty(session)) == []


def test_a_superuser_is_a_finding(db, servers):
    engine = database.new_engine(servers.admin_url)
    with Session(engine) as session:
        (found,) = safeguards.too_mighty(session)
    engine.dispose()

    assert found.text.endswith("it is a superuser")


def test_the_web_process_refuses_to_start_in_production_on_such_a_database(cli, db, production):
    with pytest.raises(safeguards.UnsafeDatabase) as refused:
        serve.application()

    wire(db)
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        assert f"{name} is off" in str(refused.value)


def test_the_web_process_starts_elsewhere_and_where_all_is_well(cli, db, production, monkeypatch):
    safeguards.demand(db)  # these are tests
    monkeypatch.setattr(safeguards, "DURABLE", ("data_checksums",))

    assert serve.application()

    wire(db)


def test_a_database_that_does_not_answer_does_not_end_the_web_process(cli, db, production):
    nowhere = db.at(environment="production", database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    wire(nowhere)

    safeguards.demand(nowhere)

    wire(db)


@pytest.mark.parametrize(("ahead_s", "weak"), [(0, []), (-1, []), (5, ["clock"]), (-5, ["clock"])])
def test_a_clock_that_is_apart_from_the_databases_is_a_weakness(db, ahead_s, weak):
    with clock.stopped(clock.now() + timedelta(seconds=ahead_s)), database.begin() as session:
        assert [one.name for one in safeguards.clocks_apart(session)] == weak
