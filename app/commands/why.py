"""jifen why: the points of a member, or of one posting, led back to the bill lines that earned them; no personal data."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import click
from sqlalchemy.orm import Session

from app import local_setup
from base import clock, database, ids
from points import lots, policies, programmes
from points.kinds import Kind
from points.lines import words
from points.members import members
from points.members.members import MemberUnknown
from points.wallets import explained, told, traced, wallets
from points.wallets.schemas import traced_view, wallet_view
from points.wallets.traced import Origin, Part
from points.wallets.wallets import LOOK_AHEAD, SOON, Shown

ZH = "zh-CN"


@click.command()
@click.argument("member", metavar="MEMBER")
@click.option(
    "--posting", "seq", type=click.IntRange(1, 2**63 - 1), metavar="N", help="One movement instead."
)
@click.option("--programme", "code", metavar="CODE", help="Of a customer number, where there are several.")
@click.option("--language", type=click.Choice(["en", ZH]), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def why(member: str, seq: int | None, code: str | None, language: str, as_json: bool) -> None:
    """Why this balance? What is there, the state of the line, and each lot with the bill lines behind it.

    Gifts are followed to their giver's. MEMBER: an id (mbr_...) or a customer number. Names, numbers of phones and
    customers are not shown, nor what was said of the line in free words.
    """
    local_setup.ready()
    with database.begin() as session:
        member_id = _member(session, member, code)
        shown = _without_free_words(wallets.show(session, member_id, clock.now()))
        if seq is None:
            parts = traced.of_wallet(session, member_id, through_gifts=True)
            facts: dict[str, Any] = {"wallet": wallet_view(shown)}
            lines = [_headline(shown, language), _state(shown, language)]
        else:
            row = wallets.posting(session, member_id, seq)
            said = explained.explanations(session, member_id, [row])[seq]
            parts = traced.of_posting(session, member_id, seq, through_gifts=True)
            facts = {"posting": {"seq": seq, "kind": Kind(row.kind).name.lower(), "explanation": said}}
            lines = [_said(language, f"Movement {seq}", f"第 {seq} 笔") + f": {said[language]}"]
    name = ids.public("mbr", member_id)
    if as_json:
        facts |= {"member": name, "parts": [traced_view(part, member_id) for part in parts]}
        click.echo(json.dumps(facts, ensure_ascii=False, default=str))
        return
    for line in (
        name,
        *lines,
        *(line for part in parts for line in _part(part, shown.on, member_id, language)),
    ):
        click.echo(line)


def _member(session: Session, name: str, code: str | None) -> int:
    """The member of a public id or of a customer number; MemberUnknown."""
    if name.startswith("mbr_"):
        return members.by_id(session, ids.parse("mbr", name, parts=1)[0]).member_id
    chosen = [programmes.by_code(session, code)] if code else programmes.every(session)
    found = [
        member_id
        for programme in chosen
        for member_id in members.find_many(session, programme.programme_id, [name]).values()
    ]
    if len(found) > 1:
        raise click.UsageError("There is such a customer in several programmes: name one with --programme.")
    if not found:
        raise MemberUnknown()
    return found[0]


def _without_free_words(shown: Shown) -> Shown:
    """The wallet without the reason that somebody gave for the state of its line: it may name people."""
    return replace(shown, line=replace(shown.line, reason=None))


def _headline(shown: Shown, language: str) -> str:
    wallet = shown.wallet
    soon, later = shown.lapses_within(SOON), shown.lapses_within(LOOK_AHEAD)
    return _said(
        language,
        f"{shown.spendable:,} points to spend, {shown.pending:,} pending, {wallet.held:,} set aside, {wallet.debt:,} owed; "
        f"{soon:,} lapse within 30 days, {later:,} within 90",
        f"可用 {shown.spendable:,} 积分，待账单付清 {shown.pending:,}，预留 {wallet.held:,}，待偿还 {wallet.debt:,}；"
        f"30 天内到期 {soon:,}，90 天内到期 {later:,}",
    )


def _state(shown: Shown, language: str) -> str:
    """The state of the line, or where the points went."""
    if shown.merged_into:
        survivor = ids.public("mbr", shown.merged_into)
        return _said(language, f"Merged into {survivor}", f"已并入 {survivor}")
    return _said(language, "The line: ", "号码状态：") + words.explained(shown.line)[language]


def _part(part: Part, on: date, member_id: int, language: str) -> list[str]:
    if part.last_day == lots.NO_END:
        until = _said(language, "do not lapse", "长期有效")
    elif part.last_day < on:
        until = _said(language, f"lapsed after {part.last_day}", f"已于 {part.last_day} 到期")
    else:
        until = _said(language, f"until {part.last_day}", f"有效期至 {part.last_day}")
    head = f"{part.points:>12,}  {until} ({policies.class_name(part.lot_class)})"
    return [head, *(_origin(one, member_id, language) for one in traced.joined(part.origins))]


def _origin(origin: Origin, member_id: int, language: str) -> str:
    said = told.what(origin)
    what = said[language] if said else origin.kind.name.lower() + (f" {origin.ref}" if origin.ref else "")
    where = told.where(origin)[language]
    if origin.member_id != member_id:
        giver = ids.public("mbr", origin.member_id)
        where += _said(language, f" of {giver}, by a gift", f"，由 {giver} 转赠")
    return f"{origin.points:>16,}  {what} ({where})"


def _said(language: str, en: str, zh: str) -> str:
    return zh if language == ZH else en


verbs = (why,)
