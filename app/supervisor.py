"""`jifen run`: starts database, cache, billing sandbox, web server and worker, tells where they are, and ends them all.

In development without a key of Stripe's a twin of Stripe runs beside them, from the tests of a checkout.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import click

from app import demo, safeguards, stripe_twin
from app.wiring import wire
from base import clock, local, schema
from base.config import Config, own_environment
from base.http import admission

READY_WITHIN_S = 120  # a machine may be busy
ENDS_WITHIN_S = 30
ROOT = Path(__file__).resolve().parent.parent


class CannotRun(local.CannotStart):
    """Something did not come up; the text says what and where its log is."""


def run(config: Config, demo_size: str | None) -> None:
    """Run until Ctrl-C or SIGTERM; what was started here is ended here, and nothing else."""
    servers = None
    if config.database_url is None:
        click.echo("Starting PostgreSQL and Redis ...", err=True)
        servers = local.start(config.data_dir)
        for note in servers.notes:
            click.echo(note, err=True)
        schema.migrate(servers.owner_url)
        config = config.at(
            database_url=servers.database_url,
            database_owner_url=servers.owner_url,
            redis_url=config.redis_url or servers.redis_url,
        )
    children: list[tuple[str, subprocess.Popen[bytes]]] = []
    try:
        with _registered(config.data_dir):
            config = _with_ports(config)
            logs = config.data_dir / "logs"
            logs.mkdir(parents=True, exist_ok=True)
            has_twin = stripe_twin.is_needed(config)
            if has_twin:  # before the demo data, whose payouts may go through it
                config = stripe_twin.joined(config, _free_port("127.0.0.1", _billing_port(config) + 2))
                command, log = stripe_twin.command(config, _address(config)), logs / "stripe-twin.log"
                children.append(("stripe-twin", _start(command, environment(config), log)))
                _wait_until(lambda: _listens(stripe_twin.port(config)), children, log)
            wire(config, statement_timeout_ms=60_000)
            safeguards.same_key(config)
            # Pages answer while the demo data are made, as long as that takes; nobody works beside those who make them.
            children.append(("web", _start(web_command(config), environment(config), logs / "web.log")))
            _wait_until(lambda: _is_ready(config), children, logs / "web.log")
            _demo(config, demo_size)
            for name, command in _commands(config):
                children.append((name, _start(command, environment(config), logs / f"{name}.log")))
            _check(children, logs)
            _tell(config, logs, has_demo=demo_size is not None, has_twin=has_twin)
            _watch(children, logs)
    except KeyboardInterrupt:
        click.echo("\nStopping ...", err=True)
    finally:
        _end(children)
        if servers is not None:
            servers.stop()


def stop(data_dir: Path) -> bool:
    """End every `jifen run` of this folder; True when there was one. Only who holds the lock of its file is signalled."""
    ended = False
    for file in _runs(data_dir).glob("*.lock"):
        with file.open("r+") as opened:
            if _locks(opened):
                file.unlink(missing_ok=True)  # nobody holds it: left over
                continue
            ended = True
            with suppress(ProcessLookupError, ValueError):
                os.kill(int(file.stem), signal.SIGTERM)
            limit = time.monotonic() + 2 * ENDS_WITHIN_S
            while not _locks(opened) and time.monotonic() < limit:
                time.sleep(0.1)
    return ended


def web_command(config: Config) -> list[str]:
    """The web server's command line."""
    return [
        sys.executable, "-m", "app.web_keeper", "--worker-class", "app.web_worker.Worker",
        "--workers", str(config.web_workers), "--threads", str(admission.threads(config.web_threads)),
        "--bind", f"{config.host}:{config.port}", "--timeout", "30", "--graceful-timeout", "25",
        "--max-requests", "100000", "--max-requests-jitter", "10000", "--log-level", "warning",
        "app.serve:application()",
    ]  # fmt: skip


def environment(config: Config) -> dict[str, str]:
    """The environment of a child: ours, with the servers and ports that were found."""
    found = {
        "DATABASE_URL": config.database_url,
        "DATABASE_OWNER_URL": config.database_owner_url,
        "REDIS_URL": config.redis_url,
        "JIFEN_DATA": str(config.data_dir),
        "JIFEN_PORT": str(config.port),
        "JIFEN_HOST": config.host,
        "JIFEN_BILLING_URL": config.billing_url,
        "JIFEN_BILLING_ADJUSTS": "true" if config.billing_adjusts else None,
        "JIFEN_ORDERING_URL": config.ordering_url,
        "JIFEN_FULFILMENT_URL": config.fulfilment_url,
        "JIFEN_STRIPE_SECRET_KEY": config.stripe_secret_key,
        "JIFEN_STRIPE_API_BASE": config.stripe_api_base,
        "JIFEN_STRIPE_WEBHOOK_SECRET": config.stripe_webhook_secret,
        "JIFEN_STRIPE_CONNECT_SECRET": config.stripe_connect_secret,
    }
    path = os.pathsep.join(part for part in (str(ROOT), own_environment().get("PYTHONPATH", "")) if part)
    return own_environment() | {name: value for name, value in found.items() if value} | {"PYTHONPATH": path}


def billing_state(data_dir: Path) -> Path:
    """Where the billing sandbox keeps its books."""
    return data_dir / "billing-sandbox.jsonl"


def _billing_port(config: Config) -> int:
    return int(config.billing_url.rsplit(":", 1)[1].rstrip("/"))


def _commands(config: Config) -> Iterator[tuple[str, list[str]]]:
    port = str(_billing_port(config))
    state = str(billing_state(config.data_dir))
    yield "billing-sandbox", [sys.executable, "-m", "app.sandbox.billing", "--port", port, "--state", state]
    yield "worker", [sys.executable, "-m", "app.cli", "worker"]


def _with_ports(config: Config) -> Config:
    """The wanted ports, or the next free ones."""
    port = _free_port(config.host, config.port)
    billing = _free_port("127.0.0.1", _billing_port(config))
    sandbox = f"http://127.0.0.1:{billing}"
    others = {"ordering_url": sandbox, "fulfilment_url": f"{sandbox}/fulfilment"}
    return config.at(port=port, billing_url=sandbox, billing_adjusts=True, **others)


def _free_port(host: str, wanted: int) -> int:
    for port in range(wanted, min(wanted + 100, 65_536)):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return port
    raise CannotRun(f"No free port from {wanted} on; set JIFEN_PORT.")


def _demo(config: Config, size: str | None) -> None:
    if size is None:
        return
    if not demo.is_whole():
        click.echo(
            f"Pages answer at {_address(config)}. Making the demo data; sign in when it says so.", err=True
        )
    if demo.make(config, size, quiet=False, billing_state=billing_state(config.data_dir)):
        click.echo("Demo data is ready.", err=True)
    elif not demo.is_whole():
        raise CannotRun("The demo data was not made to its end: run `make reset` to make it afresh.")


def _start(command: list[str], environ: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )


def _wait_until(
    ready: Callable[[], bool], children: list[tuple[str, subprocess.Popen[bytes]]], log: Path
) -> None:
    limit = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < limit:
        _check(children, log.parent)
        if ready():
            return
        time.sleep(0.1)
    raise CannotRun(f"{log.stem} did not become ready in {READY_WITHIN_S} s; see {log}")


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
        return True
    return False


def _is_ready(config: Config) -> bool:
    """One request, spoken by hand: HTTP clients are for the modules that talk to outside systems."""
    host = urlsplit(_address(config)).hostname or "127.0.0.1"
    with suppress(OSError), socket.create_connection((host, config.port), timeout=2) as link:
        link.sendall(b"GET /health/ready HTTP/1.0\r\nHost: localhost\r\n\r\n")
        return b" 200 " in link.recv(64)
    return False


def _address(config: Config) -> str:
    return f"http://{'127.0.0.1' if config.host == '0.0.0.0' else config.host}:{config.port}"


def _tell(config: Config, logs: Path, *, has_demo: bool, has_twin: bool) -> None:
    address = _address(config)
    click.echo(f"\njifen is ready: {address}")
    click.echo(f"  API      {address}/docs            (OpenAPI: {address}/openapi.json)")
    click.echo(f"  outbox   {address}/dev/outbox      SMS and mails that would have been sent")
    click.echo(
        f"  app      {address}/dev/app         stands in for the operator's app: signs members in by its token"
    )
    click.echo(
        f"  billing  {config.billing_url}           a sandbox that stands in for the operator's billing system"
    )
    if has_twin:
        click.echo(
            f"  stripe   {config.stripe_api_base}           a twin of a part of Stripe, by us; not Stripe"
        )
    click.echo(f"  logs     {logs}")
    if has_demo:
        click.echo("Sign in as:")
        for line in demo.sign_ins(config, address):
            click.echo(line)
    click.echo("Ctrl-C ends everything.", err=True)
    sys.stdout.flush()


def _watch(children: list[tuple[str, subprocess.Popen[bytes]]], logs: Path) -> None:
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
    while True:
        _check(children, logs)
        time.sleep(0.5)


def _check(children: list[tuple[str, subprocess.Popen[bytes]]], logs: Path) -> None:
    for name, child in children:
        if child.poll() is not None:
            raise CannotRun(f"{name} ended (exit {child.returncode}); see {logs / f'{name}.log'}")


def _end(children: list[tuple[str, subprocess.Popen[bytes]]]) -> None:
    for _, child in reversed(children):
        if child.poll() is None:
            child.terminate()
    limit = time.monotonic() + ENDS_WITHIN_S
    for _, child in children:
        try:
            child.wait(max(0.1, limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _runs(data_dir: Path) -> Path:
    return data_dir / "runs"


@contextmanager
def _registered(data_dir: Path) -> Iterator[None]:
    """While this runs, a file named by our process number is locked, so that `stop` finds us and nobody else."""
    _runs(data_dir).mkdir(parents=True, exist_ok=True)
    file = _runs(data_dir) / f"{os.getpid()}.lock"
    with file.open("w") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        opened.write(f"since {clock.now().isoformat()}\n")
        opened.flush()
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def _locks(opened: object) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]
    except OSError:
        return False
    fcntl.flock(opened, fcntl.LOCK_UN)  # type: ignore[arg-type]
    return True
