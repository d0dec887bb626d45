"""jifen expire, extend, restore: what lapses, what shall last longer, and what comes back. All are safe to run twice."""

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
from base.money import yuan_text
from base.progress import bar
from catalog.rates import rates
from points import expiry, extensions, lots, programmes, restoring
from points.expiry import Place, Step, Window
from points.lots import Extension
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
@click.option("--programme", "code", required=True, metavar="CODE")
@click.option(
    "--class", "lot_class", type=int, required=True, help="The class of points: 1 bills, 2 promotions."
)
@click.option("--from", "from_day", type=DAY, metavar="DATE", help="Points whose last day is this one")
@click.option("--until", "until_day", type=DAY, metavar="DATE", help="to this one.")
@click.option(
    "--without-end", is_flag=True, help="Instead of those two: points that do not lapse, and now will."
)
@click.option("--to", "last_day", type=DAY, required=True, metavar="DATE", help="Their last day from now on.")
@click.option("--reason", required=True, help="Kept with it.")
@click.option("--by", required=True, metavar="NAME", help="Who announces it.")
@click.option("--approval", metavar="REFERENCE", help="What a second person agreed to.")
@click.option("--dry-run", is_flag=True, help="Count members, points and their worth; keep nothing.")
@_json
@_quiet
def extend(
    code: str, lot_class: int, from_day: date | None, until_day: date | None, without_end: bool, last_day: date,
    reason: str, by: str, approval: str | None, dry_run: bool, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Announce that points of a class last longer. It counts five minutes later; no wallet is rewritten.

    What lapsed already comes back with `jifen restore`.
    """
    if without_end == bool(from_day or until_day) or bool(from_day) != bool(until_day):
        raise click.UsageError("say either --from and --until, or --without-end")
    local_setup.ready()
    days = (lots.NO_END, lots.NO_END) if without_end else (from_day or date.min, until_day or date.max)
    at = clock.now()
    if dry_run:
        with database.begin() as session:
            programme = programmes.by_code(session, code)
            asked = extensions.proposed(session, programme, lot_class, *days, last_day, at)
        facts = _touched(programme, asked, quiet=quiet)
        lines = [
            f"{facts['members']:,} members hold {facts['points']:,} such points, worth {yuan_text(facts['value_fen'])}",
            f"{facts['lapsed_members']:,} members lost {facts['lapsed_points']:,} of them and would get them back, "
            f"worth {yuan_text(facts['lapsed_value_fen'])}",
            "Nothing was kept (dry run).",
        ]
        _tell({"dry_run": True, "counts_from": str(asked.announced_at)} | facts, as_json, quiet, lines)
        return
    with database.begin() as session:
        programme = programmes.open_one(session, programmes.by_code(session, code).programme_id)
        row = extensions.announce(
            session, programme, lot_class, *days, last_day, reason=reason, by=by, approval=approval, at=at
        )
    _tell(
        {"dry_run": False, "extension": str(row.extension_id), "counts_from": str(row.announced_at)},
        as_json,
        quiet,
        [
            f"It counts from {row.announced_at:%Y-%m-%d %H:%M:%S} UTC on. After that run: jifen restore --programme {code}"
        ],
    )


def _touched(programme: Programme, asked: Extension, *, quiet: bool) -> dict[str, int]:
    """Members, points and worth: in wallets, and lapsed already."""
    counts = {"members": 0, "points": 0, "lapsed_members": 0, "lapsed_points": 0}
    with database.begin() as session:
        size = session.connection().exec_driver_sql(
            "select count(*) from member where programme_id = %s", (programme.programme_id,)
        ).scalar_one()  # fmt: skip
    last: int | None = 0
    with bar(size, "look", quiet=quiet) as shown:
        while last is not None:
            with database.begin() as session:
                members = restoring.next_members(session, programme, last)
                here = extensions.touched(session, members, asked)
                lost = restoring.total(restoring.found(session, members, asked)) if members else (0, 0)
            for name, count in zip(counts, (*here, *lost), strict=True):
                counts[name] += count
            last = members[-1] if members else None
            shown.advance(len(members))
    with database.begin() as session:
        begun = rates.load(session, programme.programme_id, clock.day(clock.now(), programme.zone))
    return counts | {
        "value_fen": rates.worth(begun, counts["points"]),
        "lapsed_value_fen": rates.worth(begun, counts["lapsed_points"]),
    }


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


verbs = (expire, extend, restore)
