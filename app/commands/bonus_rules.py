"""jifen bonus-rules and jifen goodwill: proposed by one person, approved by another, each with a password of their own."""

from collections.abc import Callable
from typing import Any

import click

from app.commands.approvals import (
    as_person,
    deciding,
    member_named,
    proposing,
    with_json,
    with_key,
    with_programme,
    with_text,
    with_ticket,
)
from app.commands.books import Day
from base import clock
from points import policies
from points.bonuses import rules
from points.bonuses.occasions import OCCASIONS
from points.bonuses.rules import NO_MEMBER, Wanted
from points.bonuses.schemas import rule_view
from points.goodwill import goodwill as goodwill_rules
from points.goodwill.goodwill import Asked
from points.goodwill.schemas import goodwill_view

DAY, COUNT = Day(), click.IntRange(1)


@click.group("bonus-rules")
def bonus_rules() -> None:
    """Bonus rules and their changes, budgets too: one person proposes, another approves."""


def _rule(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say what a rule gives to whom, and at most."""
    for option in (
        click.option("--least-days", type=COUNT, help="Only so many days after joining."),
        click.option("--tier", help="Only for this tier."),
        click.option("--month-day", type=click.IntRange(1, 31), help="Of a member day: which day of each month."),
        click.option("--budget", "budget_points", type=click.IntRange(0), help="Points in all; 0 gives nothing."),
        click.option("--per-day", "most_per_day", type=COUNT, help="At most so many for all members in a day."),
        click.option("--per-member-day", "most_per_member_day", type=COUNT, help="At most so many a member and day."),
        click.option("--per-member", "most_per_member", type=COUNT, help="At most so many for a member in all."),
        click.option("--class", "lot_class", type=click.IntRange(0), default=policies.PROMOTION_POINTS, show_default=True,
                     help="Class of the points: 1 bills, 2 promotions."),
        click.option("--until", "until_day", type=DAY, metavar="DATE", help="The last day; left out: on and on."),
        click.option("--from", "from_day", type=DAY, required=True, metavar="DATE", help="Of a change: tomorrow or later."),
        click.option("--name-en", required=True),
        click.option("--name-zh", required=True),
        click.option("--programme", required=True, metavar="CODE"),
    ):  # fmt: skip
        command = option(command)
    return command


@bonus_rules.command("propose")
@click.argument("code")
@click.argument("occasion", type=click.Choice(list(OCCASIONS)))
@click.argument("points", type=COUNT)
@_rule
@as_person
@with_key
@with_json
def propose_rule(email: str, key: str | None, as_json: bool, **asked: Any) -> None:
    """Propose that CODE gives POINTS for an OCCASION; nothing is given before another person approves."""
    proposing(
        email,
        key,
        lambda session: NO_MEMBER,
        {"verb": "bonus-rules propose"} | asked,
        lambda session, person, _: rules.propose(session, person, Wanted(**asked), clock.now()),
        rule_view,
        as_json,
    )


@click.group()
def goodwill() -> None:
    """Points of goodwill out of a budget: one person proposes them for a member, another approves."""


@goodwill.command("propose")
@click.argument("member")
@click.argument("rule")
@click.argument("points", type=COUNT)
@with_text
@with_ticket
@with_programme
@as_person
@with_key
@with_json
def propose_goodwill(
    member: str,
    rule: str,
    points: int,
    text: str,
    ticket: str,
    code: str | None,
    email: str,
    key: str | None,
    as_json: bool,
) -> None:
    """Propose POINTS for MEMBER (an id, mbr_..., or a customer number) under a goodwill RULE."""
    asked = Asked(rule, points, text, ticket)
    proposing(
        email,
        key,
        lambda session: member_named(session, member, code),
        {"verb": "goodwill propose"} | vars(asked),
        lambda session, person, member_id: goodwill_rules.propose(
            session, person, member_id, asked, clock.now()
        ),
        goodwill_view,
        as_json,
    )


deciding(bonus_rules, rules, rule_view)
deciding(goodwill, goodwill_rules, goodwill_view)

verbs = (bonus_rules, goodwill)
