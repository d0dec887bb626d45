"""Migrations of a database that is being used: none that stops the house, and one that meets a lock comes again."""

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, pool, text

from base import schema

BASELINE = "0055"  # before it nobody used the product: those were never run beside traffic
# What a migration may do although the checker frowns: matters of taste, and what env.py sees to.
TASTE = (
    "prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-identity", "prefer-text-field",
    "prefer-robust-stmts", "prefer-timestamp-tz", "require-statement-timeout", "require-timeout-settings", "transaction-nesting",
)  # fmt: skip
PROGRAM = shutil.which("squawk", path=str(Path(sys.executable).parent))


def sql_of(before: str, until: str) -> str:
    """What a range of migrations sends to the database."""
    config = schema.alembic_config("postgresql+psycopg://nobody@127.0.0.1:1/none")
    config.output_buffer = said = io.StringIO()
    command.upgrade(config, f"{before}:{until}", sql=True)
    return said.getvalue()


def squawk(sql: str, folder: Path) -> str:
    file = folder / "migrations.sql"
    file.write_text(sql)
    settings = folder / "none.toml"
    settings.write_text("")
    done = subprocess.run(
        [str(PROGRAM), "--config", settings, "--pg-version", "15", "--reporter", "gcc", "--assume-in-transaction",
         *(f"--exclude={rule}" for rule in TASTE), file],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return "\n".join(line for line in done.stdout.splitlines() if re.search(r": (warning|error):", line))


@pytest.mark.skipif(PROGRAM is None, reason="there is no squawk for this machine")
def test_no_migration_stops_those_who_read_and_write_meanwhile(tmp_path):
    sql = sql_of(BASELINE, "head")

    assert "create table halt" in sql
    assert squawk(sql, tmp_path) == ""


@pytest.mark.skipif(PROGRAM is None, reason="there is no squawk for this machine")
@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ("create index on posting (at)", "require-concurrent-index-creation"),
        ("alter table posting add column x timestamptz default clock_timestamp()", "adding-field-with-default"),
        ("alter table posting add column x text not null", "adding-required-field"),
        ("alter table posting alter column at set not null", "adding-not-nullable-field"),
        ("alter table posting add check (amount <> 0)", "constraint-missing-not-valid"),
        ("alter table posting drop column at", "ban-drop-column"),
        ("alter table posting rename column at to since", "renaming-column"),
    ],
)  # fmt: skip
def test_the_checker_finds_what_it_is_there_for(tmp_path, bad, rule):
    assert rule in squawk(f"{bad};\n", tmp_path)


def locked_together(sql: str) -> list[set[str]]:
    """Of each transaction the tables that were there before it and that nobody can read until it ends."""
    found = []
    for said in re.findall(r"^BEGIN;(.*?)^COMMIT;", sql, re.DOTALL | re.MULTILINE):
        locked = set(re.findall(r"(?:alter table|create policy \w+ on|create trigger .*? on) (\w+)", said))
        found.append(locked - set(re.findall(r"create table (\w+)", said)))
    return found


def test_no_migration_keeps_one_table_from_everybody_while_it_waits_for_the_next():
    assert max(map(len, locked_together(sql_of(BASELINE, "head")))) == 1
    assert locked_together("BEGIN;\nalter table a x;\ncreate policy p on b x;\nCOMMIT;\n") == [{"a", "b"}]


def test_who_tells_the_checker_to_look_away_says_why():
    told = re.compile(r"^-- because \w.*\n-- squawk-ignore [\w, -]+$", re.MULTILINE)
    sql = sql_of(BASELINE, "head")

    assert len(told.findall(sql)) == sql.count("squawk-ignore")


def test_a_migration_that_meets_a_lock_is_tried_again_and_done(config, monkeypatch):
    engine = create_engine(config.database_owner_url, poolclass=pool.NullPool)
    somebody, tries = engine.connect(), []

    def upgrade(*_):
        tries.append(1)
        with engine.begin() as connection:
            connection.execute(text("set local lock_timeout = '20ms'"))
            connection.execute(text("lock table maintenance"))

    def meanwhile(_):
        if len(tries) == 2:
            somebody.rollback()

    monkeypatch.setattr(schema.command, "upgrade", upgrade)
    monkeypatch.setattr(schema.time, "sleep", meanwhile)
    somebody.execute(text("select * from maintenance"))
    schema.migrate(config.database_owner_url)
    somebody.close()

    assert len(tries) == 3


def test_what_fails_for_another_reason_is_not_tried_again(config, monkeypatch):
    tries = []

    def upgrade(*_):
        tries.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr(schema.command, "upgrade", upgrade)

    with pytest.raises(ZeroDivisionError):
        schema.migrate(config.database_owner_url)
    assert tries == [1]


def test_nobody_waits_longer_than_a_second_for_a_lock_that_others_wait_behind():
    assert "lock_timeout = '1s'" in sql_of(BASELINE, "head")
