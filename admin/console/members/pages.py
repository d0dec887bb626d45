"""Look a member up by a number and see all about them, masked, on one page. Every look is on record."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console import words
from admin.console.contacts.pages import beside
from admin.console.http import chosen, page
from admin.console.looks.pages import names_of
from admin.console.messages import beside as messages
from admin.console.notices import words as notice_words
from admin.console.why.pages import movements
from base import clock, database, ids
from base.auth.guard import current, needs
from base.http.settings import config
from catalog.redemptions import redemptions
from catalog.vouchers import life
from catalog.vouchers.models import Voucher
from merchants import merchants
from points.care import care
from points.entitlements import entitlements
from points.lines import log
from points.lines import words as line_words
from points.lines.models import LineEvent
from points.lines.states import Line, LineState
from points.members import areas, members, scope
from points.members.members import CUSTOMER_ID, BadPhone
from points.members.models import Member, MemberFacts
from points.people import looking
from points.tiers import tiers
from points.tiers import words as tier_words
from points.tiers.tiers import Held
from points.wallets import wallets

SHOWN, LAST = 20, 10

blueprint = Blueprint("members", __name__)


@blueprint.route("/members")
@needs("members:read")
def look_up() -> ResponseReturnValue:
    """Find a member by customer number; the only one found is shown at once."""
    customer_id = request.args.get("customer", "").strip()
    with database.begin() as session:
        choice = chosen(session)
        found = _find(session, choice, customer_id) if CUSTOMER_ID.fullmatch(customer_id) else []
    if len(found) == 1:
        return redirect(url_for(".one_member", member=found[0]["id"]), 303)
    return page("console/members.html", **choice, customer_id=customer_id, found=found)


@blueprint.route("/members/by-phone", methods=["POST"])
@needs("members:read")
def by_phone() -> ResponseReturnValue:
    """Find a member by the number of a phone, which stands in no address; a miss is counted."""
    phone = request.form.get("phone", "").strip()
    try:
        found = looking.search(config(), current(), customer_id=None, phone=phone)
    except BadPhone:
        return _looked_up(wrong=True), 422
    if len(found) == 1:
        return redirect(url_for(".one_member", member=ids.public("mbr", found[0].member.member_id)), 303)
    return _looked_up([one.member for one in found], wrong=False)


def _looked_up(rows: Sequence[Member] = (), *, wrong: bool) -> str:
    with database.begin() as session:
        choice = chosen(session)
        brands = {one.programme_id: one for one in choice["programmes"]}
        found = [
            {"id": ids.public("mbr", row.member_id), "row": row, "programme": brands[row.programme_id]}
            for row in rows
        ]
    return page("console/members.html", **choice, customer_id="", found=found, wrong=wrong, missed=not wrong)


@blueprint.route("/members/<member>")
@needs("members:read")
def one_member(member: str) -> ResponseReturnValue:
    """A member, masked; that it was looked at goes into the audit."""
    at = clock.now()
    with database.begin() as session:
        seen = looking.view(session, config(), current(), member)
        row = seen.member
        area = areas.full_name(session, seen.area)
        member_id = row.member_id
        shown = wallets.show(session, member_id, at)
        last = wallets.postings(session, member_id, before=None, limit=LAST)
        postings = movements(session, member_id, last)
        redeemed = redemptions.all_of(session, member_id, limit=SHOWN)
        vouchers = life.all_of(session, member_id, limit=SHOWN)
        states = {voucher.voucher_id: _state(session, voucher) for voucher, _ in vouchers}
        told = log.history(session, member_id, limit=SHOWN)
        allowances = entitlements.of(session, row, shown.programme, shown.on)
        held, changed = tiers.seen(session, member_id, shown.on)
        looked_after = care.of(session, row, shown.on)
        manager = care.name_of(session, looked_after.manager.staff_id) if looked_after.manager else None
        facts = session.get(MemberFacts, member_id)
        looks = (
            looking.log(session, member_id=member_id, limit=SHOWN)
            if "audit:read" in current().permissions
            else ()
        )
        names = names_of(session, looks)
        service = beside(session, member_id)
        written = messages.last(session, member_id, member, limit=SHOWN)
    return page(
        "console/member.html",
        member=row,
        area=area,
        member_ref=member,
        merged_into=ids.public("mbr", shown.merged_into) if shown.merged_into else None,
        shown=shown,
        seen=seen,
        looks=looks,
        names=names,
        postings=postings,
        messages=written,
        notice_words=notice_words,
        redeemed=redeemed,
        vouchers=vouchers,
        states=states,
        line=line_words.explained(shown.line),
        told=[(event, _line_words(event)) for event in told],
        allowances=allowances,
        words=words,
        at=at,
        most=SHOWN,
        tiers=held,
        free_tiers=_free(facts, held),
        tier_history=changed[:SHOWN],
        tier_words=tier_words,
        care=looked_after,
        care_manager=manager,
        care_key=uuid.uuid4(),
        **service,
    )


def _free(facts: MemberFacts | None, held: list[Held]) -> list[str]:
    """Tiers that another system told, and no ladder."""
    of_ladders = {step.tier for one in held for step in one.rule.steps}
    return [tier for tier in (facts.tiers if facts else ()) if tier not in of_ladders]


def _line_words(event: LineEvent) -> tuple[dict[str, str], dict[str, str]]:
    """State and reason of an event in words."""
    line = Line(LineState(event.state), event.since, event.reason)
    return line_words.state(line), line_words.reason(line) or {}


def _find(session: Session, choice: dict[str, Any], customer_id: str) -> list[dict[str, Any]]:
    """The customer's members: in the asked programme, or in all of them when none was asked for."""
    asked = [choice["programme"]] if request.args.get("programme") else choice["programmes"]
    found: list[dict[str, Any]] = []
    for programme in asked:
        member_id = members.find_many(session, programme.programme_id, [customer_id]).get(customer_id)
        if member_id is not None and scope.sees(session, current(), member_id):
            row: Member = members.by_id(session, member_id)
            found.append({"id": ids.public("mbr", member_id), "row": row, "programme": programme})
    return found


def _state(session: Session, voucher: Voucher) -> str:
    zone = merchants.by_id(session, voucher.merchant_id).zone
    at = clock.now()
    return life.state_now(voucher, at, clock.day(at, zone))
