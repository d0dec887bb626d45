"""`verify` at one snapshot after the other, in a process of its own, while everything happens: `python -m tests.torture.snapshots`.

It stands beside the proxies. A line of JSON for each: findings, or why it could not look (the database was away).
"""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from app import proof, supervisor
from app.proving import snapshot
from app.wiring import wire
from base.config import Config
from base.errors import Problem
from points import verify as points_verify

PAUSE_S = 4.0


def looked() -> dict[str, Any]:
    """All rules of all packages at one moment (REPEATABLE READ)."""
    began = time.monotonic()
    try:
        with snapshot() as session:
            postings = points_verify.count(session)
            found = [vars(finding) for finding in proof.findings(session)]
    except Problem as error:
        return {"could_not": type(error).__name__}
    return {
        "postings": postings,
        "findings": found[:20],
        "count": len(found),
        "seconds": round(time.monotonic() - began, 2),
    }


def main() -> None:
    """Look, write, rest, until nobody reads any more, or the input ends."""
    wire(Config.from_env(), pool_size=2, statement_timeout_ms=600_000)
    threading.Thread(target=_end_with_input, daemon=True).start()
    while True:
        sys.stdout.write(json.dumps(looked()) + "\n")
        sys.stdout.flush()
        time.sleep(PAUSE_S)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


@dataclass
class Snapshots:
    """That process, and what it said so far."""

    environment: dict[str, str]
    said: list[dict[str, Any]] = field(default_factory=list)

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.snapshots"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=self.environment, cwd=supervisor.ROOT, start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    @property
    def summary(self) -> dict[str, Any]:
        whole = [one for one in self.said if one.get("count") == 0]
        broken = [one for one in self.said if one.get("count")]
        return {
            "taken": len(whole) + len(broken),
            "broken": len(broken),
            "could_not_look": len(self.said) - len(whole) - len(broken),
            "largest": max((one["postings"] for one in whole + broken), default=0),
            "longest_s": max((one["seconds"] for one in whole + broken), default=0),
            "findings": [finding for one in broken for finding in one["findings"]][:10],
        }


if __name__ == "__main__":
    main()
