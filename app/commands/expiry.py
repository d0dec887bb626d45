"""jifen expire and restore: what lapses, and what comes back after an extension. Both are safe to run twice."""

import json
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from datetime import date, datetime
from typing import Any

import click

from app import local_setup
from app.commands.books import Day
from base import clock, database, process
from base.database import StillRunning
from base.progress import bar
from points import expiry, lots, programmes, restoring
from points.expiry import Place, Step, Window
from points.models import Programme

TRIES = 5
DAY = Day()
SHOWN = 10

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_quiet = click.option("--quiet", is_flag=True, help="No progress, no summary.")
_programme = click.option("--programme", "code", metavar="CODE", help="One programme instead of all.")


@click.command()
@click.option(
    "--as-of", "on", type=DAY, required=True, metavar="DATE", help="Lots whose last day lies before it."
)
@_programme
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that post."
)
@click.option("--rate", type=click.IntRange(1), metavar="N", help="At most N wallets a second.")
@_json
@_quiet
def expire(on: date, code: str | None, workers: int, rate: int | None, as_json: bool, quiet: bool) -> None:
    """Post what has lapsed before a day. A balance is right even before this runs; twice changes nothing.

    After Ctrl-C or a crash the same command goes on: who was done is not met again.
    """
    url = local_setup.ready().database_url or ""
    lapsed: dict[str, int] = {}
    looked_at: dict[str, int] = {}
    crowded = 0
    for programme in _programmes(code):
        began = clock.now()
        if on > clock.day(began, programme.zone):
            raise click.BadParameter("the day has not come yet", param_hint="--as-of")
        at = max(clock.start_of(on, programme.zone), began)
        with database.begin() as session:
            where = expiry.window(session, programme, on, at)
            size = expiry.count(session, programme, where)
        total = Step(0, 0, 0)
        with bar(size, f"expire {programme.code}", quiet=quiet) as shown:
            for found, did in _steps(url, programme, where, at, workers, rate):
                shown.advance(found)
                total = Step(*(a + b for a, b in zip(_numbers(total), _numbers(did), strict=True)))
        with database.begin() as session:
            expiry.ended(session, programme, on, total, began, clock.now())
        lapsed[programme.code], looked_at[programme.code] = total.lapsed_points, total.looked_at
        crowded += total.crowded
    lines = [f"{c}: {n:,} points lapsed, {looked_at[c]:,} wallets looked at" for c, n in lapsed.items()]
    if crowded:
        lines.append(
            f"{crowded:,} wallets hold {lots.MANY_LOTS} lots or more of {lots.MOST_LOTS}: see the log"
        )
    _tell(
        {"as_of": str(on), "lapsed": lapsed, "looked_at": looked_at, "crowded": crowded},
        as_json,
        quiet,
        lines,
    )


def _numbers(step: Step) -> tuple[int, int, int]:
    return step.looked_at, step.lapsed_points, step.crowded


def _steps(
    url: str, programme: Programme, where: Window, at: datetime, workers: int, rate: int | None
) -> Iterator[tuple[int, Step]]:
    """Wallets found and what was done with them, a step at a time: this process looks, it or others post."""
    place = (programme.programme_id, where.before, at)
    if workers == 1:
        for members, found in _found(programme, where, rate):
            yield found, _sweep(members, *place)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _connect, (url,)) as pool:
        waiting: dict[Future[Step], int] = {}
        for members, found in _found(programme, where, rate):
            waiting[pool.submit(_sweep, members, *place)] = found
            while len(waiting) >= 2 * workers:
                yield from _done(waiting)
        while waiting:
            yield from _done(waiting)


def _done(waiting: "dict[Future[Step], int]") -> Iterator[tuple[int, Step]]:
    for each in wait(waiting, return_when=FIRST_COMPLETED).done:
        yield waiting.pop(each), each.result()


def _found(programme: Programme, where: Window, rate: int | None) -> Iterator[tuple[list[int], int]]:
    """Members in the window, some at a time and no faster than `rate` wallets a second."""
    met, began = 0, time.monotonic()
    place: Place | None = expiry.start(where)
    while place is not None:
        with database.begin() as session:
            members, found, place = expiry.due(session, programme, where, place)
        if found:
            yield members, found
        met += found
        if rate:
            time.sleep(max(0, met / rate - (time.monotonic() - began)))


def _connect(url: str) -> None:
    process.settle()
    database.connect(url, pool_size=1, statement_timeout_ms=60_000)


def _sweep(members: list[int], programme_id: int, on: date, at: datetime) -> Step:
    """One step in its transaction; somebody else may hold one of the wallets for a moment."""
    for tries in range(TRIES):
        try:
            with database.begin() as session:
                return expiry.sweep(session, programmes.by_id(session, programme_id), members, on, at)
        except StillRunning:
            if tries == TRIES - 1:
                raise
            time.sleep(0.1 * 2**tries)
    raise AssertionError("not reached")


@click.command()
@_programme
@_json
@_quiet
@click.pass_context
def restore(ctx: click.Context, code: str | None, as_json: bool, quiet: bool) -> None:
    """Bring back what lapsed before an extension was announced. Safe to run twice; goes on where it stopped."""
    local_setup.ready()
    points: dict[str, int] = {}
    refused: list[tuple[int, str]] = []
    for programme in _programmes(code):
        points[programme.code] = 0
        with database.begin() as session:
            waiting = restoring.pending(session, programme, clock.now())
            size = session.connection().exec_driver_sql(
                "select count(*) from member where programme_id = %s", (programme.programme_id,)
            ).scalar_one()  # fmt: skip
        for one in waiting:
            done = False
            with bar(size, f"restore {programme.code} until {one.last_day}", quiet=quiet) as shown:
                while not done:
                    with database.begin() as session:
                        did = restoring.step(session, programme, one, clock.now())
                    points[programme.code] += did.points
                    refused += did.refused
                    shown.advance(did.looked_at)
                    done = did.done
    _tell(
        {"restored": points, "refused": [{"member": m, "why": why} for m, why in refused]},
        as_json,
        quiet,
        [f"{c}: {n:,} points came back" for c, n in points.items()],
    )
    for member_id, why in refused[:SHOWN]:
        click.echo(f"Refused: member {member_id}: {why}", err=True)
    ctx.exit(1 if refused else 0)


def _programmes(code: str | None) -> list[Programme]:
    with database.begin() as session:
        return [programmes.by_code(session, code)] if code else programmes.every(session)


def _tell(facts: dict[str, Any], as_json: bool, quiet: bool, lines: list[str]) -> None:
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    elif not quiet:
        for line in lines:
            click.echo(line)


verbs = (expire, restore)
