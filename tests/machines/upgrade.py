"""The program of an earlier commit at work, the schema brought to the newest under it, then web after web the program of today."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from app import supervisor
from base import schema
from base.config import Config
from tests.machines import renewing
from tests.machines.balancer import Balancer
from tests.machines.steady import Steady
from tests.torture import place
from tests.torture.place import Child, Place, child_environment, ready

BASELINE = "0055"  # as in tests/base/test_schema.py: before it nobody used the product
NO_HISTORY = f"no commit in this checkout whose newest migration is {BASELINE}"
MEMBERS = 40
# Run by the earlier program: who is there, as JSON.
PEOPLE = f"""
import json
from app.wiring import wire
from base import ids, logs
from base.config import Config
from tests import given
logs.init(as_json=False, level=50)
config = Config.from_env()
wire(config, statement_timeout_ms=60_000)
programme, shop = given.given_programme(), given.given_shop()
offers = [given.given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id, value_fen=10)]
members = [given.given_member(config, programme, points=1_000_000) for _ in range({MEMBERS})]
print(json.dumps([[given.member_token(one) for one in members], [ids.public("off", one.offer_id) for one in offers]]))
"""
# The same of how its web is started.
COMMAND = """
import json
from app import supervisor
from base.config import Config
print(json.dumps(supervisor.web_command(Config.from_env())))
"""
Facts = dict[str, Any]


def earlier_commit() -> str | None:
    """The last commit of the main line that knows no migration after the baseline; None: there is none here."""
    for commit in _git("rev-list", "--first-parent", "--max-count=2000", "HEAD").split():
        names = _git("ls-tree", "--name-only", commit, "migrations/versions/").split()
        if max((Path(name).name[:4] for name in names if name.endswith(".py")), default="") == BASELINE:
            return commit
    return None


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=supervisor.ROOT, capture_output=True, text=True, check=False
    ).stdout


@contextmanager
def _unpacked(commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="jifen-earlier-") as folder:
        packed = subprocess.run(
            ["git", "archive", commit], cwd=supervisor.ROOT, capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=packed.stdout, check=True)
        yield Path(folder)


def upgraded() -> Facts:
    """What was seen of it; `not_run` where this checkout has no history."""
    commit = earlier_commit()
    if commit is None:
        return {"not_run": NO_HISTORY, "failed": 0}
    migrate = partial(schema.migrate, revision=BASELINE)
    with patch.object(schema, "migrate", migrate):
        running = place.running()
        here = running.__enter__()
    try:
        with _unpacked(commit) as earlier, Balancer(here.ports) as front:
            return {"from_commit": commit[:10], **_walk(here, front, earlier)}
    finally:
        running.__exit__(None, None, None)


def _walk(here: Place, front: Balancer, earlier: Path) -> Facts:
    tokens, offers = _said_by(earlier, child_environment(place.through_proxies(here)), PEOPLE)
    _begin(here, earlier)
    began = time.monotonic()
    with Steady(front.port, tokens, offers) as load:
        time.sleep(8)
        calm = load.since(began)
        schema_began = time.monotonic()
        schema.migrate(here.servers.owner_url)
        took = time.monotonic() - schema_began
        time.sleep(3)
        during = load.since(schema_began, schema_began + took)
        old_stay_ready = [ready(port) for port in here.ports]
        programs = time.monotonic()
        for number in range(place.WEBS):
            renewing.renewed(here, front, number, _by_the_new_program)
        time.sleep(3)
        facts = {
            "calm": calm, "migrated_s": round(took, 2), "while_migrating": during, "earlier_webs_ready_afterwards": old_stay_ready,
            "while_programs_change": load.since(programs), **load.since(began), "ready_at_the_end": [ready(port) for port in here.ports],
        }  # fmt: skip
    return facts


def _begin(here: Place, earlier: Path) -> None:
    """The webs of the earlier program, by its own command line; whether it is ready is asked of them."""
    logs = here.folder / "logs"
    logs.mkdir(exist_ok=True)
    for number, port in enumerate(here.ports):
        environment = child_environment(_config(here, port))
        *command, application = _said_by(earlier, environment, COMMAND)
        environment["PYTHONPATH"] = ""  # else --chdir would not come first
        here.start(Child(
            f"web-{number}", [*command, "--chdir", str(earlier), application], environment, logs / f"web-{number}.log"
        ))  # fmt: skip
    for number in range(place.WEBS):
        here.wait_ready(number)


def _config(here: Place, port: int) -> Config:
    return place.through_proxies(here).at(port=port, web_workers=place.WEB_WORKERS, web_threads=place.THREADS)


def _by_the_new_program(here: Place, number: int) -> None:
    """The earlier one ends in order; in its place and at its port starts the one of today."""
    web = here.web(number)
    assert web.process is not None
    web.process.terminate()
    renewing.wait(lambda: not web.runs, renewing.ENDS_WITHIN_S)
    config = _config(here, here.ports[number])
    web.command, web.environment = supervisor.web_command(config), child_environment(config)
    web.start()


def _said_by(earlier: Path, environment: dict[str, str], script: str) -> Any:
    """What a script says, as JSON, when the earlier program runs it."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=earlier, env=environment | {"PYTHONPATH": str(earlier)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the earlier program: {done.stderr[-800:]}")
    return json.loads(done.stdout.splitlines()[-1])
