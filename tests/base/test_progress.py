"""Progress is for people: on standard error, in few lines where there is no terminal, never when quiet."""

import os
import pty
import subprocess
import sys

from base import progress

WORK = """
from base import progress
with progress.bar(100, "lines") as bar:
    for _ in range(100):
        bar.advance()
"""


def test_without_a_terminal_there_is_a_line_for_every_ten_per_cent(capsys):
    with progress.bar(1000, "lines") as bar:
        for _ in range(1000):
            bar.advance()

    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split("(")[0] for line in err.splitlines()] == [f"lines: {n} % " for n in range(10, 101, 10)]


def test_a_big_step_tells_only_where_it_arrived(capsys):
    with progress.bar(1000, "lines") as bar:
        bar.advance(550)
        bar.advance(40)
        bar.advance(410)

    assert [line.split("(")[0] for line in capsys.readouterr().err.splitlines()] == [
        "lines: 50 % ",
        "lines: 100 % ",
    ]


def test_quiet_is_quiet(capsys):
    with progress.bar(10, "lines", quiet=True) as bar:
        bar.advance(10)

    assert capsys.readouterr() == ("", "")


def test_nothing_to_do_is_done(capsys):
    with progress.bar(0, "lines") as bar:
        bar.advance(0)

    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_there_is_a_bar_in_colour_unless_no_color_is_set():
    shown, out = on_terminal({"TERM": "xterm-256color"})
    plain, _ = on_terminal({"TERM": "xterm-256color", "NO_COLOR": "1"})

    assert out == b""
    assert b"100/100" in shown
    assert b"\x1b[38;5;" in shown
    assert b"100/100" in plain
    assert b"\x1b[38;5;" not in plain


def on_terminal(more: dict[str, str]) -> tuple[bytes, bytes]:
    """What the work wrote to a terminal on standard error, and to standard output."""
    reading, writing = pty.openpty()
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NO_COLOR", "FORCE_COLOR", "COLORTERM")
    }
    child = subprocess.Popen(
        [sys.executable, "-c", WORK], stdout=subprocess.PIPE, stderr=writing, env=kept | more
    )
    os.close(writing)
    shown = b""
    try:
        while part := os.read(reading, 65536):
            shown += part
    except OSError:  # the child has closed its side
        pass
    os.close(reading)
    out, _ = child.communicate(timeout=30)
    assert child.returncode == 0
    return shown, out
