"""jifen tiers, tier-policy, tier-grant: evaluate members; ladders and granted tiers by two persons."""

import json
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import click

from app import local_setup
from app.commands.approvals import as_person, deciding, member_named, proposing, with_json, with_key
from app.commands.books import Day
from base import clock, database
from base.approvals import approvals
from base.config import Config
from base.database import StillRunning
from base.progress import bar
from points import programmes
from points.models import Programme
from points.policies import BILL_POINTS
from points.tiers import grants, proposals, running
from points.tiers.proposals import Wanted
from points.tiers.reckoning import Step
from points.tiers.running import Did
from points.tiers.schemas import grant_view, policy_view

DAY = Day()
TRIES = 8


@click.command()
@click.option("--as-of", "on", type=DAY, required=True, metavar="DATE", help="The last day of the windows.")
@click.option("--programme", "code", metavar="CODE", help="One programme instead of all.")
@click.option("--no-notices", is_flag=True, help="Tell nobody: for the first evaluation of a new ladder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
def tiers(on: date, code: str | None, no_notices: bool, as_json: bool, quiet: bool) -> None:
    """Evaluate the tiers of all members by what they earned. Twice is harmless; it goes on where it stopped."""
    config = local_setup.ready()
    with database.begin() as session:
        chosen = [programmes.by_code(session, code)] if code else programmes.every(session)
    if any(on > clock.day(clock.now(), programme.zone) for programme in chosen):
        raise click.BadParameter("the day has not come yet", param_hint="--as-of")
    tells = None if no_notices else config
    done = {programme.code: evaluate(programme, on, tells, quiet=quiet) for programme in chosen}
    if as_json:
        click.echo(json.dumps({"as_of": str(on), "evaluated": done}, ensure_ascii=False))
    elif not quiet:
        for name, did in done.items():
            click.echo(f"{name}: {did['members']:,} members looked at, {did['changes']:,} changes")


def evaluate(programme: Programme, on: date, tells: Config | None, *, quiet: bool) -> dict[str, int]:
    """A programme's run of a day, a step at a time, each in a transaction of its own."""
    did = {"members": 0, "changes": 0}
    with database.begin() as session:
        size = running.begin(session, programme, on, clock.now())
    with bar(size, f"tiers {programme.code}", quiet=quiet) as shown:
        done = False
        while not done:
            step = _step_of(programme, on, tells)
            did["members"] += step.looked_at
            did["changes"] += step.changes
            shown.advance(step.looked_at)
            done = step.done
    return did


def _step_of(programme: Programme, on: date, tells: Config | None) -> Did:
    """One step in its transaction; another run of the same day, or an approval, may be at it for a moment."""
    for tries in range(TRIES):
        try:
            with database.begin() as session:
                return running.step(session, programme, on, tells=tells)
        except StillRunning:
            if tries == TRIES - 1:
                raise
            time.sleep(0.1 * 2**tries)
    raise AssertionError("not reached")


@click.group("tier-policy")
def tier_policy() -> None:
    """How a ladder of tiers is climbed: one person proposes a version, another approves it."""


@tier_policy.command("propose")
@click.option("--programme", required=True, metavar="CODE")
@click.option("--ladder", required=True, metavar="NAME", help="For example star or card.")
@click.option(
    "--from", "from_day", type=DAY, required=True, metavar="DATE", help="In force from this day on."
)
@click.option("--window", "window_months", type=click.IntRange(1), metavar="MONTHS", help="Rolling; left out: the calendar year.")  # fmt: skip
@click.option("--hold", "hold_months", type=click.IntRange(1), required=True, metavar="MONTHS", help="So long a reached tier holds.")  # fmt: skip
@click.option("--grace-months", type=click.IntRange(0), default=0, help="In which it can be reached again.")
@click.option("--grace-days", type=click.IntRange(0), default=0)
@click.option("--most-down", type=click.IntRange(1), default=1, show_default=True, help="Steps down at once.")
@click.option("--class", "lot_classes", type=int, multiple=True, help="Classes that count; left out: bills.")
@click.option("--step", "steps", multiple=True, required=True, metavar="TIER:POINTS:中文:ENGLISH", help="Lowest first; once for each tier.")  # fmt: skip
@click.option("--reason", required=True, help="Kept with it.")
@as_person
@with_key
@with_json
def propose_policy(
    email: str,
    key: str | None,
    as_json: bool,
    steps: tuple[str, ...],
    lot_classes: tuple[int, ...],
    **asked: Any,
) -> None:
    """Propose it; nothing changes before another person approves."""
    wanted = Wanted(**asked, steps=tuple(map(_step, steps)), lot_classes=lot_classes or (BILL_POINTS,))
    proposing(
        email,
        key,
        lambda session: proposals.NO_MEMBER,
        {"verb": "tier-policy propose"} | vars(wanted),
        lambda session, person, _: proposals.propose(session, person, wanted, clock.now()),
        policy_view,
        as_json,
    )


@click.group("tier-grant")
def tier_grant() -> None:
    """A tier given by hand until a day, or taken back: one person proposes it, another approves it."""


_reason: Callable[..., Any] = click.option(
    "--reason", required=True, help="Kept with it; no names, no phones."
)


@tier_grant.command("propose")
@click.argument("member")
@click.argument("tier")
@click.option("--until", "until_day", type=DAY, required=True, metavar="DATE", help="Its last day.")
@click.option("--from", "from_day", type=DAY, metavar="DATE", help="Left out: the day of the approval.")
@click.option("--programme", "code", metavar="CODE", help="Needed where a customer is in several.")
@_reason
@as_person
@with_key
@with_json
def propose_grant(
    member: str, code: str | None, email: str, key: str | None, as_json: bool, **asked: Any
) -> None:
    """Propose it. MEMBER: an id (mbr_...) or a customer number."""
    wanted = grants.Wanted(**asked)
    proposing(
        email,
        key,
        lambda session: member_named(session, member, code),
        {"verb": "tier-grant propose"} | asked,
        lambda session, person, member_id: grants.propose(session, person, member_id, wanted, clock.now()),
        grant_view,
        as_json,
    )


@tier_grant.command("revoke")
@click.argument("proposal")
@_reason
@as_person
@with_key
@with_json
def propose_end(proposal: str, reason: str, email: str, key: str | None, as_json: bool) -> None:
    """Propose that what PROPOSAL granted counts no more."""
    number = approvals.parse(proposal)
    proposing(
        email,
        key,
        lambda session: approvals.by_id(session, number, grants.KIND).proposal.member_id,
        {"verb": "tier-grant revoke", "proposal": proposal, "reason": reason},
        lambda session, person, _: grants.propose_end(
            session, person, approvals.by_id(session, number, grants.KIND).proposal, reason, clock.now()
        ),
        grant_view,
        as_json,
    )


deciding(tier_policy, proposals, policy_view)
deciding(tier_grant, grants, grant_view)


def _step(text: str) -> Step:
    parts = text.split(":")
    if len(parts) != 4 or not (parts[1].isascii() and parts[1].isdigit()):
        raise click.BadParameter("say TIER:POINTS:中文:ENGLISH", param_hint="--step")
    return Step(parts[0], int(parts[1]), {"zh-CN": parts[2], "en": parts[3]})


verbs = (tiers, tier_policy, tier_grant)
