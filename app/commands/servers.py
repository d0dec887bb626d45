"""jifen run, web, worker, migrate, demo, stop, reset, keys: what runs, and what it runs on."""

import os
import signal
import sys
import threading
from pathlib import Path

import click

from app import demo as demo_data
from app import local_setup, stripe_twin, supervisor
from base import clock, database, jobs, local, logs, schema
from base.auth import api_keys
from base.auth.permissions import SERVICE_SCOPES
from base.config import Config
from base.deadlines import STEP_S
from points import programmes
from points.members import areas


@click.command()
@click.option("--demo", "size", type=click.Choice(list(demo_data.SIZES)), default="small", show_default=True)
@click.option("--no-demo", is_flag=True, help="Start without demo data.")
def run(size: str, no_demo: bool) -> None:
    """Start everything on this machine: database, cache, billing sandbox, web server, worker. Ctrl-C ends it."""
    supervisor.run(Config.from_env(), None if no_demo else size)


@click.command()
def web() -> None:
    """The web server alone."""
    config = local_setup.with_servers(Config.from_env())
    os.execve(sys.executable, supervisor.web_command(config), supervisor.environment(config))


@click.command()
def worker() -> None:
    """The job worker alone."""
    config = Config.from_env()
    logs.init(as_json=True)
    config = local_setup.ready(config, each_s=STEP_S)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    jobs.work(config.database_url or "", stopping)


@click.command()
def migrate() -> None:
    """Bring the schema to the newest version (as the owner role: DATABASE_OWNER_URL)."""
    config = Config.from_env()
    if config.database_url is None:
        local_setup.with_servers(config)
    elif config.database_owner_url is None:
        raise click.UsageError(
            "DATABASE_OWNER_URL is not set: migrations run as the role that owns the schema."
        )
    else:
        schema.migrate(config.database_owner_url)
    click.echo(f"The schema is at {schema.newest()}.")


@click.command()
@click.option("--size", type=click.Choice(list(demo_data.SIZES)), default="small", show_default=True)
@click.option("--quiet", is_flag=True, help="No progress.")
def demo(size: str, quiet: bool) -> None:
    """Make the demo operator: members, two years of bills and redemptions, merchants, offers. Refused in production."""
    made = demo_data.make(local_setup.ready(), size, quiet=quiet)
    click.echo(
        "Demo data is ready." if made else "Demo data is there already; `jifen reset` makes it afresh."
    )


@click.command()
def stop() -> None:
    """End what runs in the background for this folder."""
    config = Config.from_env()
    ended = supervisor.stop(config.data_dir)
    ended = local.stop(config.data_dir) or ended
    click.echo("Stopped." if ended else "Nothing was running.")


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--size", type=click.Choice(list(demo_data.SIZES)), default="small", show_default=True)
def reset(yes: bool, size: str) -> None:
    """Throw the local data away and make fresh demo data."""
    config = Config.from_env()
    if config.database_url is not None:
        raise click.UsageError("DATABASE_URL is set: only local data is thrown away by this command.")
    if not yes:
        click.confirm(f"Throw away all local data in {config.data_dir}?", abort=True)
    supervisor.stop(config.data_dir)
    local.remove(config.data_dir)
    supervisor.billing_state(config.data_dir).unlink(missing_ok=True)
    stripe_twin.state(config.data_dir).unlink(missing_ok=True)
    demo_data.make(local_setup.ready(config), size, quiet=False)
    local.stop(config.data_dir)
    click.echo("Fresh demo data is ready: make run")


@click.command()
@click.argument("name")
@click.option("--programme", "code", required=True, metavar="CODE")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(sorted(SERVICE_SCOPES)))
@click.option("--area", default="", metavar="CODE", help="Only for members of a province, city or county.")
def keys(name: str, code: str, scopes: tuple[str, ...], area: str) -> None:
    """Issue an API key for one of the operator's systems; it is shown once."""
    local_setup.ready()
    with database.begin() as session:
        programme = programmes.by_code(session, code)
        place = areas.checked(area) if area else areas.EVERYWHERE
        click.echo(api_keys.issue(session, name, programme.programme_id, list(scopes), clock.now(), place))


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of standard output."
)
def openapi(out: Path | None) -> None:
    """The API's description (OpenAPI 3.1)."""
    import json

    from app.web import create_app

    text = create_app(local_setup.ready()).test_client().get("/openapi.json").get_json()
    body = json.dumps(text, ensure_ascii=False, indent=2, sort_keys=True)
    out.write_text(body + "\n") if out else click.echo(body)


verbs = (run, web, worker, migrate, demo, stop, reset, keys, openapi)
