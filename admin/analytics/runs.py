"""Runs: from a snapshot to a stored report. A job or a command; never a web request, which only reads what is stored.

A run is named by its protocol, its snapshot, the version of the program and of its estimators, and the seed; the same again
gives the row that is there already. Broken off, it goes on with the snapshot and with the parts of the panel that were made.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from admin.analytics import code, engines, known, panel, parts, prices, report, snapshot
from admin.analytics.models import AnalysisRun
from admin.analytics.panel import SILENT_DAYS, Window
from admin.analytics.parts import Panel
from admin.analytics.protocol import Options
from admin.analytics.snapshot import Of, Snapshot
from base import clock, database, ids
from base.config import Config
from base.errors import Conflict, NotFound
from base.progress import Bar, bar
from points.models import Programme

MIN_HISTORY = 3
LIVE = Options(min_history=MIN_HISTORY)
REPORTING = report.STEPS + 1  # and the storing
log = structlog.get_logger()


class NothingToCompare(Conflict):
    """This programme has no members or no redemptions yet."""

    zh = "该积分计划还没有可比较的会员或兑换。"
    next_en, next_zh = "Import members and redemptions first.", "请先导入会员和兑换记录。"


class RunUnknown(NotFound):
    """There is no such analysis run."""

    zh = "没有该分析结果。"


def snapshot_for(config: Config, programme: Programme, shown: Bar, *, fresh: bool) -> Snapshot:
    """The latest snapshot that tells of a programme, or one taken now; `shown` advances snapshot.STEPS."""
    found = None if fresh else snapshot.latest(config, programme.programme_id)
    if found is None:
        return snapshot.take(config, shown)
    shown.advance(snapshot.STEPS)
    return found


def take(
    config: Config,
    programme: Programme,
    taken: Snapshot,
    shown: Bar,
    *,
    options: Options = LIVE,
    engine: str | None = None,
) -> AnalysisRun:
    """Analyse a programme as a snapshot tells of it and store the result, once. NothingToCompare, SnapshotBroken.

    `shown` advances `steps(taken)`. Opens its own transactions: nothing is held while it reckons.
    """
    of, seen = _window(programme, taken)
    options = replace(options, changed=prices.changed(taken.table("price"), of.programme_id))
    with database.begin() as session:
        stored = _stored(session, programme, taken, options, of, seen)
    if stored is not None:
        shown.advance(steps(taken))
        return stored
    if (engine or engines.installed()) == engines.POSTGRESQL:
        log.info("duckdb is not installed: PostgreSQL reckons the panel", programme=programme.code)
    snapshot.prove(taken)
    made = parts.make(config.data_dir / "analytics" / "panels", taken, seen, shown, engine)
    if not made.members or not made.kinds:
        raise NothingToCompare(programme=programme.code)
    found = _row(programme, taken, made, options, of, shown)
    with database.begin() as session:
        session.execute(insert(AnalysisRun).values(**found).on_conflict_do_nothing())
        run = _stored(session, programme, taken, options, of, seen)
    parts.sweep(made.folder.parent)
    shown.advance()
    assert run is not None
    return run


def of_all(config: Config, programmes: Iterable[Programme]) -> None:
    """One snapshot now, and a run of each programme in which there is something to compare."""
    with bar(0, "", quiet=True) as silent:
        taken = snapshot.take(config, silent)
        for programme in programmes:
            with suppress(NothingToCompare):
                take(config, programme, taken, silent)


def steps(taken: Snapshot) -> int:
    """How often the bar of `take` advances."""
    return len(parts.ranges(taken.rows["member"])) + REPORTING


def latest(session: Session, programme_id: int) -> AnalysisRun | None:
    """The newest stored run of a programme."""
    return session.scalar(
        select(AnalysisRun)
        .where(AnalysisRun.programme_id == programme_id)
        .order_by(AnalysisRun.at.desc(), AnalysisRun.run_id.desc())
        .limit(1)
    )


def by_id(session: Session, run_id: int) -> AnalysisRun:
    """One stored run; RunUnknown."""
    found = session.get(AnalysisRun, run_id)
    if found is None:
        raise RunUnknown()
    return found


def listed(session: Session, programme_id: int, *, before: int | None, limit: int) -> list[AnalysisRun]:
    """Stored runs of a programme, the newest first, from after one on."""
    asked = select(AnalysisRun).where(AnalysisRun.programme_id == programme_id)
    if before is not None:
        asked = asked.where(AnalysisRun.run_id < before)
    return list(session.scalars(asked.order_by(AnalysisRun.run_id.desc()).limit(limit)))


@dataclass(frozen=True, slots=True)
class Head:
    """A stored run without its report: what a list says of it."""

    run_id: int
    at: datetime
    snapshot_at: datetime | None
    code_version: str
    seed: int
    verdict: str | None
    members: int | None
    refused: int


def heads(session: Session, programme_id: int, *, before: int | None, limit: int) -> list[Head]:
    """The same list without reports, which are long: the database reads what is said of each out of them."""
    report = AnalysisRun.report
    asked = select(
        AnalysisRun.run_id,
        AnalysisRun.at,
        AnalysisRun.snapshot_at,
        AnalysisRun.code_version,
        AnalysisRun.seed,
        report["verdict"]["code"].astext,
        report["input"]["members"].as_integer(),
        func.jsonb_array_length(AnalysisRun.refusals),
    ).where(AnalysisRun.programme_id == programme_id)
    if before is not None:
        asked = asked.where(AnalysisRun.run_id < before)
    return [Head(*row) for row in session.execute(asked.order_by(AnalysisRun.run_id.desc()).limit(limit))]


@dataclass(frozen=True, slots=True)
class Newest:
    """What the newest run of a programme found of any redemption: enough to set brand beside brand."""

    names: dict[str, str]
    snapshot_at: datetime | None
    n_treated: int
    itt: dict[str, Any]


def newest(session: Session) -> list[Newest]:
    """Of each programme the newest run that compared like with like, by the programme's code."""
    trials = AnalysisRun.report["trials"]
    last = (
        select(AnalysisRun.run_id)
        .ext(distinct_on(AnalysisRun.programme_id))
        .where(trials.is_not(None))
        .order_by(AnalysisRun.programme_id, AnalysisRun.at.desc(), AnalysisRun.run_id.desc())
    )
    asked = (
        select(Programme.names, AnalysisRun.snapshot_at, trials["n_treated"].as_integer(), trials["itt"])
        .join(Programme, Programme.programme_id == AnalysisRun.programme_id)
        .where(AnalysisRun.run_id.in_(last))
        .order_by(Programme.code)
    )
    return [Newest(names, at, n or 0, itt) for names, at, n, itt in session.execute(asked)]


def reference(run_id: int) -> str:
    """The public id of a run."""
    return ids.public("run", run_id)


def parse(said: str) -> int:
    """The run of a public id; NotFound when it is none."""
    return ids.parse("run", said, parts=1)[0]


def protocol(programme: str, of: Of, seen: Window, options: Options) -> dict[str, Any]:
    """What was compared and how, in words and figures, of which the run is named; the same on every engine."""
    return {
        **{
            name: value for name, value in options.protocol().items() if name not in ("covariates", "weights")
        },
        "programme": programme,
        "months": [seen.first_month, seen.last_month],
        "records_end": seen.records_end.isoformat(),
        "undecided_days": SILENT_DAYS,
        "leave": "left, or 90 days without a paid bill; dated to the first such day"
        if of.has_bills
        else "left; no bills are held, so silence is not seen",
        "undone_within_month": "dropped",
        "undone_later": seen.undone,
        "balance": "after the last posting before the month opens; what lapsed and was not yet written off counts",
        "price": "lowest of the kind for any tier and area, by dates of rates and offers; pauses and stock are not held",
        "left_out": "groups; trial cards, which are handed out",
        "not_held": list(known.NOT_HELD),
        "options": {name: _plain(value) for name, value in asdict(options).items() if name != "seed"},
        "panel_code": parts.CODE,
    }


def _plain(value: Any) -> Any:
    """6.0 and 6 are one number of months, a tuple is a list."""
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def canonical(value: Any) -> bytes:
    """The one way of writing a value as JSON, so that equal values are equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def refusals(block: Mapping[str, Any], name: str = "") -> Iterator[dict[str, str]]:
    """Each reason for which a block of a report, or one inside it, has no number."""
    if block.get("status") == "refused":
        yield from ({"block": name, "code": one["code"]} for one in block.get("reasons", ()))
    for key, inside in block.items():
        if isinstance(inside, Mapping):
            yield from refusals(inside, f"{name}.{key}" if name else key)


def _window(programme: Programme, taken: Snapshot) -> tuple[Of, Window]:
    of = taken.of(programme.programme_id)
    seen = panel.window(taken, of) if of else None
    if of is None or seen is None or seen.months < 1:
        raise NothingToCompare(programme=programme.code)
    return of, seen


def _row(
    programme: Programme, taken: Snapshot, made: Panel, options: Options, of: Of, shown: Bar
) -> dict[str, Any]:
    said = protocol(programme.code, of, made.of, options)
    run = {
        "as_of": taken.as_of.isoformat(),
        "code_version": code.version(),
        "input_sha256": taken.sha256,
        "panel": said | {"dropped_covariates": list(made.dropped)},
        "by_month": [dict(one) for one in made.by_month],
    }
    found = report.retention_report(made, options, run, done=shown.advance)
    return _key(programme, taken, options, said) | {
        "run_id": ids.new_id(),
        "at": clock.now(),
        "snapshot_at": taken.as_of,
        "protocol": said,
        "report": found,
        "refusals": list(refusals(found)),
    }


def _key(programme: Programme, taken: Snapshot, options: Options, said: dict[str, Any]) -> dict[str, Any]:
    return {
        "programme_id": programme.programme_id,
        "protocol_hash": hashlib.sha256(canonical(said)).digest(),
        "input_hash": bytes.fromhex(taken.sha256),
        "code_version": code.version(),
        "seed": options.seed,
    }


def _stored(
    session: Session, programme: Programme, taken: Snapshot, options: Options, of: Of, seen: Window
) -> AnalysisRun | None:
    key = _key(programme, taken, options, protocol(programme.code, of, seen, options))
    return session.scalar(select(AnalysisRun).where(*(getattr(AnalysisRun, n) == v for n, v in key.items())))
