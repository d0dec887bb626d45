"""A failpoint does nothing until it is armed; then what was said, at that place, that time, once."""

import signal
import subprocess
import sys

import pytest

from base import failpoints
from base.failpoints import Failed, arm, failpoint, watched


@pytest.fixture(autouse=True)
def _disarmed():
    yield
    arm("")


def test_nothing_happens_where_nothing_is_armed():
    failpoint("wallet_read")
    arm("posted=exception")

    failpoint("wallet_read")


def test_the_time_that_was_said_fails_and_none_before_or_after():
    arm("posted=exception@2,given=exception")

    failpoint("posted")
    with pytest.raises(Failed, match="posted"):
        failpoint("posted")
    failpoint("posted")
    with pytest.raises(Failed, match="given"):
        failpoint("given")


def test_who_watches_is_told_each_place(monkeypatch):
    seen = []

    with watched(seen.append):
        failpoint("posted")
    failpoint("given")

    assert seen == ["posted"]


def test_a_process_sleeps_or_dies_at_the_place(monkeypatch):
    slept = []
    monkeypatch.setattr(failpoints.time, "sleep", slept.append)
    arm("posted=sleep")
    failpoint("posted")
    dies = "from base.failpoints import *; arm('posted=kill'); failpoint('posted'); print('lives')"
    child = subprocess.run([sys.executable, "-c", dies], capture_output=True, check=False)

    assert slept == [failpoints.SLEEP_S]
    assert (child.returncode, child.stdout) == (-signal.SIGKILL, b"")


@pytest.mark.parametrize("said", ["posted", "posted=explode", "posted=kill@0", "posted=kill;given=kill"])
def test_what_cannot_be_read_is_refused(said):
    with pytest.raises(ValueError, match="say name=exception"):
        arm(said)
