"""Proposals of all kinds in one list; each with its whole content, to approve, reject or withdraw it.

Each kind has addresses of its own, for each needs permissions of its own; the views are made by one function.
"""

import uuid
from collections.abc import Callable
from types import ModuleType
from typing import Any

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.analytics import mix_targets
from admin.console import words
from admin.console.approvals import inbox
from admin.console.approvals.offers import compared
from admin.console.http import PAGE, cut, page, position
from admin.console.replays import beside
from admin.console.sheets import http as sheets
from admin.halts import resuming
from admin.staff import access as staff_access
from admin.staff.models import StaffRow
from base import clock, database, idempotency, ids
from base.approvals import approvals, endorsements
from base.approvals.approvals import Case
from base.approvals.models import APPROVED, Proposal
from base.auth.guard import current, needs
from base.errors import field_errors
from base.notices import proposals as notice_proposals
from catalog.budgets import proposals as budgets
from catalog.campaigns import campaigns, taking
from catalog.offers import offers
from catalog.publishing import proposals as publishing
from catalog.rates import differences
from catalog.rates import proposals as rates
from catalog.rates.scopes import Scope
from catalog.reversals import reversals
from catalog.stock import corrections as stock_corrections
from catalog.trial_cards import trial_cards
from merchants import merchants
from merchants import words as partner_words
from merchants.adjustments import adjustments as merchant_adjustments
from merchants.agreements import proposals as merchant_terms
from merchants.onboarding import reviews as merchant_reviews
from merchants.packs import proposals as packs
from merchants.payouts import releases as payout_releases
from merchants.payouts import runs as payout_runs
from merchants.recoveries import write_offs
from points import explain, lots, programmes
from points.adjustments import adjustments
from points.adjustments.adjustments import said_plainly
from points.announcements import announcements
from points.bonuses import rules as bonus_rules
from points.bonuses.occasions import OCCASIONS
from points.earn_rules import earn_rules
from points.entitlements import rules as entitlements
from points.erasures import erasures
from points.goodwill import goodwill
from points.members import areas
from points.merges import merges
from points.opening import opening
from points.tiers import grants, proposals

MOST_NOTE = 500
APART = frozenset({"kind", "member", "into", "staff_id"})  # said elsewhere on the page
ALL = "all"
KINDS: dict[str, tuple[str, ModuleType]] = {  # kind -> its place under /staff, its rules
    adjustments.KIND: ("adjustments", adjustments),
    merges.KIND: ("merges", merges),
    announcements.KIND: ("extensions", announcements),
    entitlements.KIND: ("entitlements", entitlements),
    bonus_rules.KIND: ("bonus-rules", bonus_rules),
    goodwill.KIND: ("goodwill", goodwill),
    trial_cards.KIND: ("trial-cards", trial_cards),
    proposals.KIND: ("tier-policies", proposals),
    grants.KIND: ("tier-grants", grants),
    erasures.KIND: ("erasures", erasures),
    opening.KIND: ("opening-balances", opening),
    rates.KIND: ("rate-proposals", rates),
    earn_rules.KIND: ("earn-rule-proposals", earn_rules),
    stock_corrections.KIND: ("stock-corrections", stock_corrections),
    budgets.KIND: ("budget-proposals", budgets),
    reversals.KIND: ("reversals", reversals),
    publishing.KIND: ("offer-proposals", publishing),
    merchant_reviews.KIND: ("merchant-reviews", merchant_reviews),
    merchant_terms.KIND: ("terms-proposals", merchant_terms),
    packs.KIND: ("pack-proposals", packs),
    mix_targets.KIND: ("mix-target-proposals", mix_targets),
    merchant_adjustments.KIND: ("merchant-adjustments", merchant_adjustments),
    payout_runs.KIND: ("payout-runs", payout_runs),
    payout_releases.KIND: ("payout-releases", payout_releases),
    write_offs.KIND: ("write-offs", write_offs),
    notice_proposals.KIND: ("notice-proposals", notice_proposals),
    staff_access.KIND: ("access-proposals", staff_access),
    resuming.KIND: ("resumptions", resuming),
}

blueprint = Blueprint("approvals", __name__)


@blueprint.route("/approvals")
@needs("proposals:read")
def case_list() -> ResponseReturnValue:
    """What waits for a decision, or what was decided, newest first; of the kinds that one may read."""
    wanted, topics = _wanted(), {kind: topic for kind, (_place, topic) in KINDS.items()}
    place, at = position("approvals"), clock.now()
    with database.begin() as session:
        if sheets.is_asked():
            every = inbox.listed(session, current(), topics, wanted, at, before=None, limit=sheets.MOST)
            return sheets.of_list(session, "approvals", inbox.COLUMNS, inbox.lines(session, every, at))
        before = int(place[0]) if place else None
        found = inbox.listed(session, current(), topics, wanted, at, before=before, limit=PAGE + 1)
        rows, after = cut("approvals", found, lambda case: [case.proposal.proposal_id])
        names, people = inbox.names(session, list(rows)), inbox.people(session, list(rows))
        partners = _partners(session, list(rows))
        waiting = taking.waiting(session, current())
        standings = inbox.standings(session, [case.proposal for case in rows], at)
        areas_called = inbox.area_names(session, standings.values())
    return page(
        "console/approvals.html",
        whose=[(one, words.APPROVALS_WHOSE[one]) for one in inbox.WHOSE],
        wanted=wanted,
        kinds=[
            (kind, words.APPROVAL_KINDS[kind])
            for kind, topic in topics.items()
            if topic.READS in current().permissions
        ],
        standings=standings,
        areas_called=areas_called,
        class_words={case.proposal.proposal_id: inbox.class_words(case.proposal) for case in rows},
        rows=[_shown(case) for case in rows],
        names=names,
        people=people,
        partners=partners,
        campaigns_waiting=waiting,
        chosen=wanted.state or ALL,
        states=(*approvals.STATES, ALL),
        after=after,
        as_file=bool(rows),
        words=words,
        at=at,
    )


def _wanted() -> inbox.Wanted:
    """What the address asks for; what it says wrongly narrows nothing."""
    said = {name: request.args.get(name, "") for name in ("whose", "kind")}
    state = request.args.get("state", approvals.PROPOSED)
    return inbox.Wanted(
        said["whose"] if said["whose"] in inbox.WHOSE else "",
        said["kind"] if said["kind"] in KINDS else None,
        state if state in approvals.STATES else None,
    )


@blueprint.route("/approvals/<proposal>")
@needs("proposals:read")
def one_proposal(proposal: str) -> ResponseReturnValue:
    """To the page of a proposal whose kind one does not know."""
    number = approvals.parse(proposal)
    with database.begin() as session:
        found = session.get(Proposal, number)
        if found is None:
            raise approvals.ProposalUnknown()
        place = url_of(found.kind, number)
    return redirect(place, 303)


def _views(kind: str, place: str, topic: ModuleType) -> None:
    """The addresses of one kind: the proposal, and what may be done with it."""

    def show(proposal: str) -> ResponseReturnValue:
        return _one(approvals.parse(proposal), kind)

    def approve(proposal: str) -> ResponseReturnValue:
        seen, note = request.form.get("content_hash", ""), _note(needed=False)
        return _decide(
            proposal, lambda s, number: approvals.approve(s, current(), number, seen, clock.now(), note)
        )

    def reject(proposal: str) -> ResponseReturnValue:
        note = _note(needed=True)
        return _decide(proposal, lambda s, number: approvals.reject(s, current(), number, clock.now(), note))

    def withdraw(proposal: str) -> ResponseReturnValue:
        return _decide(proposal, lambda s, number: approvals.withdraw(s, current(), number, clock.now()))

    def _decide(proposal: str, deed: Callable[[Session, int], Case]) -> ResponseReturnValue:
        number = approvals.parse(proposal)
        key = idempotency.checked(request.form.get("key"))
        asked = {"page": request.path, "form": {k: v for k, v in request.form.items() if k != "csrf_token"}}
        with database.begin() as session:
            member_id = approvals.by_id(session, number, kind, current()).proposal.member_id
            idempotency.once(
                session,
                member_id,
                current().actor,
                key,
                asked,
                lambda: (303, deed(session, number).state(clock.now())),
            )
        return redirect(url_of(kind, number), 303)

    for verb, view, permission in (
        ("approve", approve, topic.APPROVES),
        ("reject", reject, topic.APPROVES),
        ("withdraw", withdraw, topic.PROPOSES),
    ):
        rule = f"/{place}/<proposal>/{verb}"
        blueprint.add_url_rule(rule, f"{verb}_{kind}", needs(permission)(view), methods=["POST"])
    blueprint.add_url_rule(f"/{place}/<proposal>", f"show_{kind}", needs(topic.READS)(show))


for _kind, (_place, _topic) in KINDS.items():
    _views(_kind, _place, _topic)


def url_of(kind: str, proposal_id: int) -> str:
    """The page of a proposal."""
    return f"/staff/{KINDS[kind][0]}/{approvals.reference(proposal_id)}"


def _one(number: int, kind: str) -> str:
    at, principal = clock.now(), current()
    with database.begin() as session:
        case = approvals.by_id(session, number, kind, principal)
        names, people = inbox.names(session, [case]), inbox.people(session, [case])
        posted = _posted(session, case.proposal)
        rule = bonus_rules.made(session, case.proposal) if kind == bonus_rules.KIND else None
        used = bonus_rules.used(session, rule) if rule else None
        announced = announcements.announced(session, case.proposal) if kind == announcements.KIND else None
        approved = kind == opening.KIND and case.state(at) == APPROVED
        brought = opening.posted(session, number) if approved else None
        changes = _changes(session, case.proposal)
        replays = beside.of(session, case.proposal)
        currency = programmes.by_code(session, case.proposal.said["programme"]).currency if changes else None
        offer = _offer(session, case) if kind == publishing.KIND else None
        standing = inbox.standings(session, [case.proposal], at)[number]
        areas_called = inbox.area_names(session, [standing])
        came_to, came_why = reversals.outcome(session, case) if kind == reversals.KIND else (None, None)
    topic = KINDS[kind][1]
    own = getattr(principal, "staff_id", None) == case.proposal.maker_id
    waits = case.state(at) == approvals.PROPOSED
    return page(
        "console/approval.html",
        one=_shown(case),
        names=names,
        people=people,
        posted=posted,
        announced=announced,
        used=used,
        occasions={name: {"zh-CN": one.zh, "en": one.en} for name, one in OCCASIONS.items()},
        brought=brought,
        changes=changes,
        replays=replays,
        currency=currency,
        tier_name=explain.tier_name,
        offer=offer,
        standing=standing if case.state(at) == approvals.PROPOSED else None,
        areas_called=areas_called,
        class_words=inbox.class_words(case.proposal),
        came_to=came_to,
        came_why=came_why,
        own=own,
        may_decide=waits and not own and topic.APPROVES in principal.permissions,
        may_withdraw=waits and own and topic.PROPOSES in principal.permissions,
        key=uuid.uuid4(),
        no_end=lots.NO_END.isoformat(),
        words=words,
        partner_words=partner_words,
        at=at,
    )


def _offer(session: Session, case: Case) -> dict[str, Any]:
    """What a proposed version says beside the one before, and who has approved it where it takes several."""
    persons = endorsements.persons(session, case.proposal.proposal_id)
    asked = select(StaffRow.name).where(StaffRow.staff_id.in_(persons)).order_by(StaffRow.name)
    campaign = campaigns.of_proposal(session, case.proposal)
    made = publishing.made(session, case.proposal.proposal_id)
    offer = ids.public("off", made.offer_id) if made else case.proposal.said["offer"]
    return {
        "href": f"/staff/offers/{offer}" if offer else None,
        "campaign": campaigns.reference(campaign) if campaign else None,
        "merchant": merchants.by_id(session, campaign.merchant_id).names if campaign else None,
        "wished_points": campaign.wished_points if campaign else None,
        "rows": compared(
            publishing.before(session, case.proposal),
            publishing.seen_by(session, current(), case.proposal.said["content"]),
        ),
        "checkers": approvals.checkers_of(case.proposal),
        "endorsed_by": list(session.scalars(asked)) if persons else [],
    }


def _partners(session: Session, cases: list[Case]) -> dict[int, dict[str, str]]:
    """The names of the merchants whose campaigns are proposed, by proposal."""
    found = {}
    for case in cases:
        if case.proposal.kind == publishing.KIND:
            campaign = campaigns.of_proposal(session, case.proposal)
            if campaign is not None:
                merchant = merchants.by_id(session, campaign.merchant_id)
                found[case.proposal.proposal_id] = merchant.names
    return found


def _posted(session: Session, proposal: Proposal) -> int | None:
    """The number of the posting that an approval made."""
    if proposal.kind == goodwill.KIND:
        bonus = goodwill.given(session, proposal)
        return bonus.seq if bonus else None
    return adjustments.posting_of(session, proposal) if proposal.kind == adjustments.KIND else None


def _changes(session: Session, proposal: Proposal) -> list[dict[str, Any]]:
    """Of rates and earn rules: each row beside what holds without it, with the names that its scope has."""
    if proposal.kind == earn_rules.KIND:
        return [{"row": row, "before": last} for row, last in earn_rules.before(session, proposal)]
    if proposal.kind != rates.KIND:
        return []
    lines = differences.of_proposal(session, proposal)
    scopes = [line.row.scope for line in lines]
    scopes += [one.of for line in lines for one in (line.before, line.after) if one is not None]
    named_offers = {scope.offer_id for scope in scopes if scope.offer_id is not None}
    names = offers.names_of(session, named_offers, clock.now())
    places = {scope.area: areas.full_name(session, scope.area) for scope in scopes if scope.area}

    def named(scope: Scope) -> dict[str, Any]:
        area = places.get(scope.area) or ({"zh-CN": scope.area, "en": scope.area} if scope.area else None)
        return {"offer": names.get(scope.offer_id or 0), "kind": scope.kind, "tier": scope.tier, "area": area}

    return [
        {
            "row": line.row,
            "scope": named(line.row.scope),
            "before": line.before,
            "after": line.after,
            "wider": named(line.before.of) if line.before and not line.before.own else None,
            "change_bp": line.change_bp,
        }
        for line in lines
    ]


def _shown(case: Case) -> dict[str, Any]:
    proposal = case.proposal
    return {
        "case": case,
        "said": proposal.said,
        "kind": proposal.kind,
        "href": url_of(proposal.kind, proposal.proposal_id),
        "into_id": merges.into_of(proposal) if proposal.kind == merges.KIND else None,
        "rows": [
            (words.SAID.get(name, name), plain(value))
            for name, value in proposal.said.items()
            if name not in APART
        ],
    }


def plain(value: Any) -> str:
    """A value of a content as a person reads it."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {plain(one)}" for name, one in value.items()) or "—"
    if isinstance(value, list):
        return ", ".join(map(plain, value)) or "—"
    if isinstance(value, bool):
        return str(words.YES if value else words.NO)
    return f"{value:,}" if isinstance(value, int) else str(value or "—")


def _note(*, needed: bool) -> str | None:
    note = request.form.get("note", "").strip()
    if not note and not needed:
        return None
    if not said_plainly(note, MOST_NOTE):
        raise field_errors({"note": f"must be 1 to {MOST_NOTE} characters without control characters"})
    return note
