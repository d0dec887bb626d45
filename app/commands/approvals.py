"""jifen adjust and jifen merge: proposed by one person, approved by another, each with a password of their own."""

import json
import sys
import uuid
from collections.abc import Callable
from datetime import date
from types import ModuleType
from typing import Any

import click
from sqlalchemy.orm import Session

from admin.staff import entries, signing_in
from admin.staff.signing_in import SecondFactorNeeded
from app import local_setup
from app.commands.books import Day
from base import clock, database, idempotency, ids
from base.approvals import approvals
from base.approvals.approvals import Case
from base.auth import sign_ins
from base.auth.principals import Principal
from base.config import Config
from points import programmes
from points.adjustments import adjustments
from points.adjustments.adjustments import DOWN, REASONS, UP, Wanted
from points.adjustments.schemas import adjustment_view
from points.members import members
from points.members.members import MemberUnknown
from points.merges import merges
from points.merges.schemas import merge_view

MOST_LISTED = 200
View = Callable[[Session, Case, Any], dict[str, Any]]
with_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
as_person = click.option(
    "--as",
    "email",
    required=True,
    metavar="EMAIL",
    help="Who you are; the password, and a code of who signs in in two steps, is asked for or read from standard input.",
)
with_key = click.option(
    "--key", metavar="TEXT", help="The same key again is the same proposal, not a second one."
)
with_programme = click.option(
    "--programme", "code", metavar="CODE", help="Needed where a customer is in several."
)
with_text = click.option("--text", required=True, help="Why, in words; no names, no numbers of phones.")
with_ticket = click.option("--ticket", required=True, help="The case that it belongs to.")


@click.group()
def adjust() -> None:
    """Add points to a member or take some: one person proposes it, another approves it."""


@adjust.command("propose")
@click.argument("member")
@click.argument("direction", type=click.Choice([UP, DOWN]))
@click.argument("points", type=click.IntRange(1))
@click.option("--reason", required=True, type=click.Choice(REASONS))
@with_text
@with_ticket
@click.option("--class", "lot_class", type=click.IntRange(0), help="Class of the points; 1: bills.")
@click.option(
    "--last-day", type=Day(), metavar="DATE", help="Of the lot; without it the policy's or soonest."
)
@with_programme
@as_person
@with_key
@with_json
def propose_adjustment(
    member: str, code: str | None, email: str, key: str | None, as_json: bool, **wanted: Any
) -> None:
    """Propose it; nothing moves before another person approves. MEMBER: an id (mbr_...) or a customer number."""
    proposing(
        email,
        key,
        lambda session: member_named(session, member, code),
        {"verb": "adjust propose"} | wanted,
        lambda session, person, member_id: adjustments.propose(
            session, person, member_id, Wanted(**wanted), clock.now()
        ),
        adjustment_view,
        as_json,
    )


@click.group()
def merge() -> None:
    """Merge a member into another one: one person proposes it, another approves it."""


@merge.command("propose")
@click.argument("member")
@click.argument("into")
@with_text
@with_ticket
@with_programme
@as_person
@with_key
@with_json
def propose_merge(
    member: str,
    into: str,
    text: str,
    ticket: str,
    code: str | None,
    email: str,
    key: str | None,
    as_json: bool,
) -> None:
    """Propose that MEMBER's points, debt and later earnings go to INTO (ids, mbr_..., or customer numbers)."""
    proposing(
        email,
        key,
        lambda session: member_named(session, member, code),
        {"verb": "merge propose", "into": into, "text": text, "ticket": ticket},
        lambda session, person, member_id: merges.propose(
            session, person, member_id, member_named(session, into, code), text, ticket, clock.now()
        ),
        merge_view,
        as_json,
    )


def deciding(group: click.Group, topic: ModuleType, view: View) -> None:
    """The verbs that all kinds share."""

    @group.command("list")
    @click.option("--state", type=click.Choice([*approvals.STATES, "all"]), default=approvals.PROPOSED)
    @with_json
    def list_them(state: str, as_json: bool) -> None:
        """What waits for a decision, newest first, with the hash that an approval names."""
        local_setup.ready()
        at = clock.now()
        with database.begin() as session:
            wanted = None if state == "all" else state
            found = approvals.listed(session, [topic.KIND], at, state=wanted, limit=MOST_LISTED)
            rows = [view(session, case, at) for case in found]
        if as_json:
            click.echo(json.dumps({"data": rows}, ensure_ascii=False))
        for row in rows if not as_json else ():
            click.echo(said_plainly(row))

    @group.command("approve")
    @click.argument("proposal")
    @click.option(
        "--hash", "seen", metavar="HEX", help="Of the content that you saw; without it you are asked."
    )
    @as_person
    @with_json
    def approve(proposal: str, seen: str | None, email: str, as_json: bool) -> None:
        """Approve exactly what was proposed, which does it at once; never a proposal of your own."""
        local_setup.ready()
        if seen is None:
            with database.begin() as session:
                shown = view(
                    session, approvals.by_id(session, approvals.parse(proposal), topic.KIND), clock.now()
                )
            click.echo(said_plainly(shown))
            if not sys.stdin.isatty():
                raise click.UsageError("Name what you saw: --hash HEX.")
            click.confirm("Approve this?", abort=True)
            seen = str(shown["content_hash"])
        named = seen
        _decide(
            email,
            proposal,
            lambda session, person, number: approvals.approve(session, person, number, named, clock.now()),
            as_json,
        )

    @group.command("reject")
    @click.argument("proposal")
    @click.option("--note", required=True, help="Why not.")
    @as_person
    @with_json
    def reject(proposal: str, note: str, email: str, as_json: bool) -> None:
        """Say no, and why."""
        local_setup.ready()
        _decide(
            email,
            proposal,
            lambda session, person, number: approvals.reject(session, person, number, clock.now(), note),
            as_json,
        )

    @group.command("withdraw")
    @click.argument("proposal")
    @as_person
    @with_json
    def withdraw(proposal: str, email: str, as_json: bool) -> None:
        """Take a proposal of your own back."""
        local_setup.ready()
        _decide(
            email,
            proposal,
            lambda session, person, number: approvals.withdraw(session, person, number, clock.now()),
            as_json,
        )

    def _decide(
        email: str, proposal: str, deed: Callable[[Session, Principal, int], Case], as_json: bool
    ) -> None:
        number, person = approvals.parse(proposal), signed_in(email)
        with database.begin() as session:
            approvals.by_id(session, number, topic.KIND)
            row = view(session, deed(session, person, number), clock.now())
        _tell(row, as_json)


deciding(adjust, adjustments, adjustment_view)
deciding(merge, merges, merge_view)


def proposing(
    email: str,
    key: str | None,
    about: Callable[[Session], int],
    asked: dict[str, Any],
    deed: Callable[[Session, Principal, int], Case],
    view: View,
    as_json: bool,
) -> None:
    """Sign in, propose under the key, and tell; `about` finds the member that `deed` is given."""
    local_setup.ready()
    person, key = signed_in(email), idempotency.checked(key or str(uuid.uuid4()))
    with database.begin() as session:
        member_id = about(session)

        def effect() -> tuple[int, Any]:
            return 201, view(session, deed(session, person, member_id), clock.now())

        answer = idempotency.once(session, member_id, person.actor, key, asked, effect)
    _tell(answer.body, as_json)


def signed_in(email: str) -> Principal:
    """Who signs in, for this one command; the next line is the code of whoever signs in in two steps.

    StaffSignInRefused, SecondFactorMissing, CodeRefused, TooManyGuesses.
    """
    config, typed = Config.from_env(), _asked(f"Password of {email}")
    try:
        token = signing_in.at_once(config, email, typed, None)
    except SecondFactorNeeded:
        token = signing_in.at_once(config, email, typed, _asked(f"Code of {email}"))
    with database.begin() as session:
        person = sign_ins.find(session, token, clock.now())
        entries.leave(session, token, clock.now())
        sign_ins.end(session, token)
    return person


def _asked(what: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def member_named(session: Session, text: str, code: str | None) -> int:
    """The member of an id or a customer number; MemberUnknown."""
    if text.startswith("mbr_"):
        (member_id,) = ids.parse("mbr", text, parts=1)
        return member_id
    of = [programmes.by_code(session, code)] if code else programmes.every(session)
    found = [members.find_many(session, one.programme_id, [text]).get(text) for one in of]
    there = [member_id for member_id in found if member_id is not None]
    if not there:
        raise MemberUnknown()
    if len(there) > 1:
        raise click.UsageError(f"{text} is a customer of several programmes: add --programme CODE.")
    return there[0]


def _tell(row: dict[str, Any], as_json: bool) -> None:
    click.echo(json.dumps(row, ensure_ascii=False) if as_json else said_plainly(row))


def said_plainly(row: dict[str, Any]) -> str:
    """A proposal for a person: its id and state, then every field that says something."""
    more = [(name, value) for name, value in row.items() if name not in ("id", "state") and value is not None]
    return "\n".join(
        [f"{row['id']}  {row['state']}", *(f"  {name:<13} {_plain(value)}" for name, value in more)]
    )


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(_plain, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items() if inner not in (None, ""))
    return value.isoformat() if isinstance(value, date) else str(value)


verbs = (adjust, merge)
