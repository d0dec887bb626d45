"""A web's keeper: another master where one was killed, none where one has ended or was told to, and none without a keeper."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# A master that writes down who it is, ends on HUP, and lives for a minute at most.
SCRIPT = """
import os, signal, sys, time
from app import web_keeper

def master():
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(7))
    with open(sys.argv[1], "a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(60)

sys.exit(web_keeper.keep(master))
"""


@pytest.fixture
def keeper(tmp_path):
    """The keeper's process, and who its masters were so far."""
    file = tmp_path / "masters"
    file.touch()
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(file)], cwd=ROOT)
    yield process, lambda: [int(line) for line in file.read_text().split()]
    process.kill()
    process.wait(10)


def until(holds):
    for _ in range(600):
        if holds():
            return True
        time.sleep(0.05)
    return False


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1] != "Z"
    except OSError:
        return False


def test_a_killed_master_is_followed_by_another_until_the_keeper_is_told_to_end(keeper):
    process, masters = keeper
    for number in range(3):
        assert until(lambda known=number: len(masters()) > known)
        os.kill(masters()[number], signal.SIGKILL)
    assert until(lambda: len(masters()) == 4)

    process.terminate()

    assert process.wait(30) == 0
    assert len(set(masters())) == 4
    assert not any(map(lives, masters()))


def test_what_a_master_ends_with_is_what_its_keeper_ends_with(keeper):
    process, masters = keeper
    assert until(masters)

    process.send_signal(signal.SIGHUP)

    assert process.wait(30) == 7
    assert len(masters()) == 1


@pytest.mark.skipif(
    sys.platform != "linux", reason="another system does not tell a child that its parent is gone"
)
def test_without_its_keeper_no_master_is_left(keeper):
    process, masters = keeper
    assert until(masters)

    process.kill()

    assert until(lambda: not lives(masters()[0]))
