"""jifen doctor: what is wrong on this machine, in plain words, and how to mend it."""

import json
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import safeguards
from base import cache, database, local, schema
from base.config import Config, ConfigError
from base.errors import Problem

LEAST_FREE = 1_000_000_000


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `mend` says what to do when it is not well."""

    name: str
    well: bool
    text: str
    mend: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Look at Python, configuration, database, schema, role, clock, Redis, fonts, ports and disk; exit 1 names what to mend."""
    found = list(_checks())
    if as_json:
        click.echo(json.dumps({"checks": [asdict(check) for check in found]}, ensure_ascii=False))
    else:
        for check in found:
            click.echo(f"{'ok  ' if check.well else 'MEND'}  {check.name:<18} {check.text}")
            if not check.well:
                click.echo(f"      -> {check.mend}")
    ctx.exit(0 if all(check.well for check in found) else 1)


def _checks() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")
    try:
        config = Config.from_env()
    except ConfigError as error:
        yield Check("configuration", False, str(error), "set the variables named above; see README.md")
        return
    yield Check("configuration", True, config.environment)
    yield from _database(config)
    yield from _secrets(config)
    yield _fonts()
    yield _port(config)
    free = shutil.disk_usage(config.data_dir if config.data_dir.exists() else Path.cwd()).free
    yield Check(
        "disk", free >= LEAST_FREE, f"{free // 10**9} GB free", "make room: at least 1 GB should be free"
    )


def _database(config: Config) -> Iterator[Check]:
    if config.database_url is None:
        if not local.running(config.data_dir):
            yield Check("PostgreSQL", True, "none runs for this folder; the next command starts one")
            return
        servers = local.start(config.data_dir)
        config = config.at(database_url=servers.database_url, redis_url=config.redis_url or servers.redis_url)
    database.connect(config.database_url or "")
    try:
        with database.begin() as session:
            version = session.scalar(text("show server_version"))
            apart = list(safeguards.clocks_apart(session))
            present = schema.present(session.connection())
            weak = list(_safeguards(config, session))
    except Problem as error:
        mend = "start it, or correct DATABASE_URL; locally: make stop, then make run"
        yield Check("PostgreSQL", False, str(error), mend)
        return
    yield Check("PostgreSQL", True, str(version))
    yield Check("schema", present == schema.newest(), f"{present} of {schema.newest()}", "run: jifen migrate")
    yield from weak
    told = apart[0].text if apart else "with the database's"
    yield Check("clock", not apart, told, apart[0].mend if apart else "")
    cache.connect(config.redis_url)
    if config.redis_url is None:
        yield Check("Redis", True, "none; everything works without it, a little slower")
    else:
        mend = "start it, or unset REDIS_URL; nothing is lost without it"
        yield Check("Redis", cache.answers(), "answers" if cache.answers() else "does not answer", mend)


def _safeguards(config: Config, session: Session) -> Iterator[Check]:
    """Durable settings are asked for in production alone: tests and trials may be faster than safe."""
    if config.in_production:
        weak = list(safeguards.not_durable(session))
        yield from (Check(one.name, False, one.text, one.mend) for one in weak)
        if not weak:
            yield Check("durability", True, ", ".join(safeguards.DURABLE))
    mighty = list(safeguards.too_mighty(session))
    yield from (Check(one.name, False, one.text, one.mend) for one in mighty)
    if not mighty:
        yield Check("role", True, "may add entries, not change them")
    holes = list(safeguards.unwalled(session))
    yield from (Check(one.name, False, one.text, one.mend) for one in holes)
    if not holes:
        yield Check("wall", True, "staff and merchants' people meet the rows of their scope alone")


def _secrets(config: Config) -> Iterator[Check]:
    """Development makes its own secrets; they must be readable by their owner alone."""
    folder = config.data_dir / "secrets"
    wide = [file.name for file in folder.glob("*") if file.stat().st_mode & 0o077] if folder.exists() else []
    mend = f"run: chmod 600 {folder}/*"
    yield Check(
        "secrets", not wide, "readable by others: " + ", ".join(wide) if wide else "kept to their owner", mend
    )


def _fonts() -> Check:
    looks: tuple[Callable[[], bool], ...] = (
        lambda: any(Path("/usr/share/fonts").rglob("*CJK*")),
        lambda: any(Path("/System/Library/Fonts").glob("PingFang*")),
        lambda: any((Path.home() / ".fonts").rglob("*CJK*")),
    )
    found = any(look() for look in looks)
    text = (
        "a Chinese font is here"
        if found
        else "no Chinese font was found on this machine (only screenshots need it)"
    )
    return Check("fonts", True, text)


def _port(config: Config) -> Check:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError:
            return Check(
                "port", True, f"{config.port} is taken (by jifen itself?); the next free one will be used"
            )
    return Check("port", True, f"{config.port} is free")


verbs = (doctor,)
