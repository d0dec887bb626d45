"""`jifen run` as a person runs it: ready, signed in, stopped by Ctrl-C, started again with the same data."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from base import local
from base.money import parse_yuan
from tests.conftest import ROOT

READY_WITHIN_S = 200


@contextmanager
def running(data: Path, port: int):
    """The process and its first lines, up to "is ready" and the sign-ins."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JIFEN_", "DATABASE_", "REDIS_"))}
    environment |= {
        "JIFEN_DATA": str(data),
        "JIFEN_PORT": str(port),
        "JIFEN_BILLING_URL": f"http://127.0.0.1:{port + 500}",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "run", "--demo", "tiny"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said = ""
    try:
        limit = time.monotonic() + READY_WITHIN_S
        while "Ctrl-C ends everything" not in said and time.monotonic() < limit:
            line = process.stdout.readline()
            assert line, f"ended early:\n{said}"
            said += line
        yield process, said
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(60)


def address(said: str) -> str:
    return re.search(r"jifen is ready: (\S+)", said)[1]


def tour(said: str, folder: Path, data: Path) -> subprocess.CompletedProcess[str]:
    """The README's curl lines, as a newcomer would paste them."""
    lines = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    script = folder / "tour.sh"
    script.write_text(f"set -eu\n{lines}")
    phone = re.search(r"phone (\d+)", said)[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JIFEN", "DATABASE_", "REDIS_"))}
    environment |= {"BASE": address(said), "PHONE": phone, "NO_PROXY": "*", "JIFEN_DATA": str(data)}
    environment |= {"PYTHON": sys.executable, "JIFEN": f"{sys.executable} -m app.cli"}
    return subprocess.run(
        ["sh", str(script)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90
    )


def processes_of(data: Path) -> list[str]:
    """Command lines of living processes that name the data folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(data) in line or f"JIFEN_DATA={data}\0" in environment:
            found.append(line)
    return found


def funds(opener, twin: str) -> int:
    """What the platform has at the twin (fen), as its page says."""
    with opener.open(f"{twin}/") as answer:
        found = re.search(r"the platform\D*([\d.]+) CNY", answer.read().decode())
    return parse_yuan(found[1])


@pytest.mark.timeout(300)  # two starts and a tour, on a machine that may be busy
def test_run_is_ready_serves_the_tour_of_the_readme_stops_and_keeps_the_data(tmp_path):
    data, opener = tmp_path / "data", build_opener(ProxyHandler({}))

    with running(data, 18_080) as (process, said):
        with opener.open(f"{address(said)}/health/ready", timeout=5) as answer:
            assert answer.status == 200
        assert "member" in said
        assert "clerk" in said
        assert "staff" in said
        twin = re.search(r"stripe +(\S+) +a twin of a part of Stripe, by us; not Stripe", said)[1]
        with opener.open(f"{twin}/") as answer:
            assert b"This is not Stripe." in answer.read()
        before = funds(opener, twin)
        opener.open(
            Request(f"{twin}/twin/funds", b'{"amount": 77}', {"Content-Type": "application/json"})
        ).close()
        assert funds(opener, twin) == before + 77
        if shutil.which("curl"):
            toured = tour(said, tmp_path, data)
            assert toured.returncode == 0, toured.stdout + toured.stderr
            assert toured.stdout.rstrip().endswith("cancelled")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert processes_of(data) == []

    with running(data, 18_080) as (_, again):
        assert "months" not in again
        assert funds(opener, twin) == before + 77
        assert re.search(r"member .*", again)[0] == re.search(r"member .*", said)[0]
    local.remove(data)
