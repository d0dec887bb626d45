"""The drill at its smallest: the disk goes while people redeem, and what was acknowledged is back."""

import json

import pytest

from bench import drill


@pytest.mark.torture
def test_all_that_was_acknowledged_is_back_and_the_books_agree(capsys):
    with pytest.raises(SystemExit) as ended:
        drill.main(["--rows", "2000", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert told["acknowledged"] > 0
    assert told["lost"] == 0
    assert told["verified"]
    assert told["postings"] >= 2_000 + told["acknowledged"]


def test_a_drill_that_lost_something_or_proved_nothing_is_no_success():
    well = {"postings": 5, "acknowledged": 3, "lost": 0, "verified": True}

    assert drill.Told(**well).well
    assert not drill.Told(**well | {"lost": 1}).well
    assert not drill.Told(**well | {"acknowledged": 0}).well
    assert not drill.Told(**well | {"verified": False}).well
