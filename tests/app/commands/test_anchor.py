"""jifen anchor, verify --anchor and --sample: what they print, and their exit codes."""

import json

import pytest
from sqlalchemy import text

from points import anchor
from tests.given import given_member, given_programme
from tests.owner import forget_everything


@pytest.fixture
def key(cli, tmp_path):
    """A key's file, and its public half."""
    answer = cli("anchor", "--new-key", tmp_path / "key")
    assert answer.exit_code == 0
    return tmp_path / "key", answer.stdout.strip()


def test_an_anchor_is_written_and_fits(cli, db, tmp_path, key):
    given_member(db, given_programme(), points=100)
    key_file, public_key = key

    written = cli("anchor", "--out", tmp_path / "a", "--key", key_file, "--json", "--quiet")
    verified = cli("verify", "--anchor", tmp_path / "a", "--public-key", public_key, "--json", "--quiet")

    said = json.loads(written.stdout)
    assert (written.exit_code, verified.exit_code) == (0, 0)
    assert (said["wallets"], said["public_key"]) == (1, public_key)
    assert json.loads(verified.stdout) == {"postings": 1, "findings": [], "anchor": said}
    assert verified.stderr == ""


def test_a_vanished_member_is_1_and_named(cli, db, owner, tmp_path, key):
    member_id = given_member(db, given_programme(), points=100)
    cli("anchor", "--out", tmp_path / "a", "--key", key[0])
    owner.execute(text("delete from posting"))
    owner.execute(text("delete from wallet"))

    without, with_anchor = cli("verify"), cli("verify", "--anchor", tmp_path / "a", "--public-key", key[1])
    forget_everything(db)

    assert without.exit_code == 0  # nothing is left that could be wrong
    assert with_anchor.exit_code == 1
    assert f"anchor: member {member_id}: the wallet is gone" in with_anchor.stdout
    assert "1 wallets as anchored at" in with_anchor.stdout


def test_without_a_public_key_it_says_whose_key_was_believed(cli, db, tmp_path, key):
    cli("anchor", "--out", tmp_path / "a", "--key", key[0])

    answer = cli("verify", "--anchor", tmp_path / "a", "--quiet")

    assert answer.exit_code == 0
    assert key[1] in answer.stderr


def test_another_key_is_1(cli, db, tmp_path, key):
    cli("anchor", "--out", tmp_path / "a", "--key", key[0])

    answer = cli("verify", "--anchor", tmp_path / "a", "--public-key", "ab" * 32)

    assert answer.exit_code == 1
    assert "anchor key: file a: signed with" in answer.stdout


def test_nothing_is_overwritten(cli, db, tmp_path, key):
    cli("anchor", "--out", tmp_path / "a", "--key", key[0])

    assert isinstance(cli("anchor", "--new-key", key[0]).exception, anchor.FileIsThere)
    assert isinstance(cli("anchor", "--out", tmp_path / "a", "--key", key[0]).exception, anchor.FileIsThere)


@pytest.mark.parametrize(
    "words",
    [
        ("anchor",),
        ("anchor", "--out", "new"),
        ("anchor", "--new-key", "new", "--out", "other"),
        ("anchor", "--out", "new", "--key", "not-there"),
        ("anchor", "--new-key", "no-such-folder/new"),
        ("verify", "--anchor", "not-there"),
        ("verify", "--public-key", "ab" * 32),
        ("verify", "--seed", "1"),
        ("verify", "--sample", "0"),
    ],
)
def test_wrong_use_is_2(cli, words):
    assert cli(*words).exit_code == 2


def test_a_public_key_that_cannot_be_one_is_2(cli, db, tmp_path, key):
    cli("anchor", "--out", tmp_path / "a", "--key", key[0])

    answer = cli("verify", "--anchor", tmp_path / "a", "--public-key", "abc")

    assert answer.exit_code == 2
    assert "64 hexadecimal digits" in answer.output


def test_a_sample_is_replayed_and_its_seed_is_told(cli, db):
    programme = given_programme()
    for _ in range(5):
        given_member(db, programme, points=100)

    drawn = json.loads(cli("verify", "--sample", 3, "--json", "--quiet").stdout)
    again = cli("verify", "--sample", 3, "--seed", drawn["sample"]["seed"])
    all_of_them = json.loads(cli("verify", "--sample", 99, "--json", "--quiet").stdout)

    assert drawn["sample"]["members"] == drawn["postings"] == 3
    assert again.exit_code == 0
    assert f"3 members drawn by lot, seed {drawn['sample']['seed']}" in again.stdout
    assert all_of_them["postings"] == 5
