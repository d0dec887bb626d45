"""jifen groups: set up groups, contacts and spenders, and see who may spend what. Saying the same twice changes nothing."""

import json
from typing import Any

import click
from sqlalchemy.orm import Session

from app import local_setup
from base import clock, database
from base.progress import bar
from points import programmes
from points.groups import groups as rules
from points.groups import spending
from points.groups.models import CLASSES, RANKS, Group
from points.kinds import MOST_POINTS
from points.members import members
from points.members.members import MemberUnknown

ACTOR = "command line"
PAGE = 200
_programme = click.option(
    "--programme", "code", required=True, metavar="CODE", help="Whose customers they are."
)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_quiet = click.option("--quiet", is_flag=True, help="No progress, no summary.")
_end = click.option("--end", is_flag=True, help="From now on no more.")


@click.group()
def groups() -> None:
    """Groups whose contacts spend the group's points; members are named by their customer ids."""


@groups.command("list")
@_programme
@_json
@_quiet
def list_groups(code: str, as_json: bool, quiet: bool) -> None:
    """Groups with their contacts, and of spenders the cap and what is left of it this month."""
    local_setup.ready()
    told: list[dict[str, Any]] = []
    after: int | None = None
    with database.begin() as session:
        programme_id = programmes.by_code(session, code).programme_id
        total = rules.count(session, programme_id)
    with bar(total, "groups", quiet=quiet or as_json) as shown:
        while True:
            with database.begin() as session:
                rows = rules.all_of(session, programme_id, after=after, limit=PAGE)
                told += [_facts(session, group, customer) for group, customer in rows]
            shown.advance(len(rows))
            if len(rows) < PAGE:
                break
            after = rows[-1][0].member_id
    if as_json:
        click.echo(json.dumps({"programme": code, "groups": told}, ensure_ascii=False))
    elif not quiet:
        for line in _lines(told):
            click.echo(line)


@groups.command("setup")
@click.argument("customer")
@_programme
@click.option("--name", required=True, help="The group's name.")
@click.option("--class", "group_class", required=True, type=click.Choice(CLASSES), help="top is 百强.")
@_json
def set_up(customer: str, code: str, name: str, group_class: str, as_json: bool) -> None:
    """Make a member a group, or give a group another name or class."""
    local_setup.ready()
    with database.begin() as session:
        programme_id = programmes.by_code(session, code).programme_id
        group = rules.set_up(session, programme_id, customer, name, group_class, clock.now(), ACTOR)
        _tell(_facts(session, group, customer), as_json)


@groups.command("contact")
@click.argument("group")
@click.argument("member")
@_programme
@click.option("--rank", type=click.Choice(RANKS), help="高层领导, 中层领导, 普通成员.")
@_end
@_json
def contact(group: str, member: str, code: str, rank: str | None, end: bool, as_json: bool) -> None:
    """Make a member a contact of the group, give a contact another rank, or end it."""
    if (rank is None) is not end:
        raise click.UsageError("Say either --rank or --end.")
    local_setup.ready()
    with database.begin() as session:
        found = _group(session, code, group)
        if rank is not None:
            rules.set_contact(session, found, member, rank, clock.now(), ACTOR)
        else:
            rules.end_contact(
                session, found, _member(session, found.programme_id, member), clock.now(), ACTOR
            )
        _tell(_facts(session, found, group), as_json)


@groups.command("spender")
@click.argument("group")
@click.argument("member")
@_programme
@click.option("--cap", type=click.IntRange(0, MOST_POINTS), metavar="POINTS", help="In a calendar month.")
@click.option("--cost-centre", metavar="TEXT", help="Where the group books it; left out: as before.")
@_end
@_json
def spender(
    group: str, member: str, code: str, cap: int | None, cost_centre: str | None, end: bool, as_json: bool
) -> None:
    """Let a contact spend the group's points up to a cap in a month, change the cap, or end it."""
    if (cap is None) is not end:
        raise click.UsageError("Say either --cap or --end.")
    local_setup.ready()
    with database.begin() as session:
        found = _group(session, code, group)
        if cap is not None:
            spending.set_spender(session, found, member, cap, clock.now(), ACTOR, cost_centre)
        else:
            spending.end_spender(
                session, found, _member(session, found.programme_id, member), clock.now(), ACTOR
            )
        _tell(_facts(session, found, group), as_json)


def _group(session: Session, code: str, customer: str) -> Group:
    programme_id = programmes.by_code(session, code).programme_id
    return rules.find(session, programme_id, _member(session, programme_id, customer), change=True)


def _member(session: Session, programme_id: int, customer: str) -> int:
    """The member of a customer id, who may have left: what is there can still be ended."""
    found = members.find_many(session, programme_id, [customer]).get(customer)
    if found is None:
        raise MemberUnknown(customer_id=customer[:64])
    return found


def _facts(session: Session, group: Group, customer: str) -> dict[str, Any]:
    contacts: list[dict[str, Any]] = []
    after: int | None = None
    while True:
        rows = spending.contacts(session, group, clock.now(), after=after, limit=PAGE)
        contacts += [_contact(one) for one in rows]
        if len(rows) < PAGE:
            break
        after = rows[-1].contact.contact_id
    return {
        "customer_id": customer,
        "name": group.name,
        "class": group.group_class,
        "contacts": contacts,
    }


def _contact(one: spending.ListedContact) -> dict[str, Any]:
    found = one.spending
    allowance = found and {
        "cap_points": found.cap_points,
        "spent_points": found.spent,
        "left_points": found.left,
        "resets_on": str(found.resets_on),
    }
    return {
        "customer_id": one.customer_id,
        "rank": one.contact.rank,
        "allowance": allowance,
        "cost_centre": found.cost_centre if found else None,
    }


def _tell(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    else:
        for line in _lines([facts]):
            click.echo(line)


def _lines(told: list[dict[str, Any]]) -> list[str]:
    lines = []
    for group in told:
        lines.append(f"{group['customer_id']}  {group['class']:<3}  {group['name']}")
        for one in group["contacts"]:
            left = one["allowance"]
            may = (
                f"{left['left_points']:,} of {left['cap_points']:,} points left until {left['resets_on']}"
                if left
                else "may not spend"
            )
            lines.append(f"    {one['customer_id']:<20} {one['rank']:<9} {may}")
    return lines
