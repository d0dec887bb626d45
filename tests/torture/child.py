"""Planted faults and tampering, in a process and a database of their own on the run's server: `python -m tests.torture.controls`."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

from sqlalchemy import make_url

from app import supervisor
from base import schema
from tests.torture import history
from tests.torture.controls import CONTROLS
from tests.torture.place import Place

NAME = "controls"


def controls(place: Place, seed: int, tamperings: int, within_s: float) -> dict[str, Any]:
    """What was caught of what was planted, and found of what was tampered with; what there was no time for was not caught."""
    with place.admin() as admin:
        admin.execute(f"create database {NAME} owner jifen_owner")
        admin.execute(f"revoke all on database {NAME} from public")
        admin.execute(f"grant connect on database {NAME} to jifen_app")
        admin.execute("grant set on parameter session_replication_role to jifen_owner")
    urls = [
        make_url(url).set(database=NAME).render_as_string(hide_password=False)
        for url in (place.servers.database_url, place.servers.owner_url)
    ]
    schema.migrate(urls[1])
    config = place.config.at(database_url=urls[0], database_owner_url=urls[1])
    command = [sys.executable, "-m", "tests.torture.controls", str(seed), str(tamperings), str(place.folder)]
    file = place.folder / "controls.jsonl"
    with file.open("wb") as out, (place.folder / "logs" / "controls.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=supervisor.environment(config), stdin=subprocess.DEVNULL, stdout=out, stderr=log, cwd=supervisor.ROOT,
            start_new_session=True,
        )  # fmt: skip
        with suppress(subprocess.TimeoutExpired):
            process.wait(within_s)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    return summed(history.read(file), tamperings)


def summed(lines: list[dict[str, Any]], tamperings: int) -> dict[str, Any]:
    """The same for a report."""
    told = {one["control"]: one for one in lines if "control" in one}
    tampered = [one for one in lines if "tampered" in one]
    missed = [what for one in tampered for what in one["missed"]]
    done = sum(one["tampered"] for one in tampered)
    return {
        "controls": {name: bool(told.get(name, {}).get("caught")) for name in CONTROLS},
        "evidence": {name: told[name]["evidence"] if name in told else "no time for it" for name in CONTROLS},
        "tampering": {"wanted": tamperings, "done": done, "found": done - len(missed), "missed": missed[:5]},
    }
