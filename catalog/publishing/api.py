"""HTTP: drafts in five steps and their proposals; offers as staff see them; pausing, taking up again, ending."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.approvals.api import deciding
from base.approvals.approvals import NO_MEMBER, Case
from base.auth.guard import current, needs
from base.auth.principals import Principal, Staff
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from catalog.offers import categories, offers
from catalog.offers.models import HISTORY, OfferState
from catalog.offers.offers import OfferUnknown
from catalog.publishing import drafts, life, listing, proposals, showing
from catalog.publishing.listing import Wanted
from catalog.publishing.models import OfferDraft
from catalog.publishing.schemas.requests import (
    DraftRequest,
    DraftsQuery,
    EditRequest,
    ReasonRequest,
    RevisionRequest,
    StaffOffersQuery,
    plain,
)
from catalog.publishing.schemas.views import (
    CategoryView,
    DraftsView,
    DraftView,
    OfferProposalsView,
    OfferProposalView,
    StaffOffersView,
    StaffOfferView,
    VersionsView,
    draft_view,
    proposal_view,
    staff_offer_view,
    version_view,
)
from points import programmes

PAUSES = "offers:pause"
Deed = Callable[[Session, Principal, int, str, datetime], OfferState]

blueprint = Blueprint("publishing", __name__, description="Setting up offers")


@blueprint.route("/offer-drafts", methods=["POST"])
@blueprint.arguments(DraftRequest)
@blueprint.response(201, DraftView)
@blueprint.doc(**IDEMPOTENT)
@needs(proposals.PROPOSES)
def begin(asked: dict[str, Any]) -> Response:
    """Begin a draft: of a new offer, or of a further version of one, maybe to go back to an earlier one. Needs Idempotency-Key."""
    asked["content"] = plain(asked["content"])
    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, _shown(session, _begun(session, asked))))


@blueprint.route("/offer-drafts")
@blueprint.arguments(DraftsQuery, location="query")
@blueprint.response(200, DraftsView)
@needs(proposals.READS)
def list_drafts(query: dict[str, Any]) -> dict[str, Any]:
    """Drafts, newest first; maybe one's own alone."""
    key, limit, person = f"offer-drafts:{config().secret_key}", query["limit"], current()
    place = pages.position(key, query["cursor"])
    maker_id = person.staff_id if query["mine"] and isinstance(person, Staff) else None
    with database.begin() as session:
        rows = drafts.listed(session, before=place[0] if place else None, maker_id=maker_id, limit=limit + 1)
        data = [_shown(session, row) for row in rows[:limit]]
    more = len(rows) > limit
    return {
        "data": data,
        "has_more": more,
        "next_cursor": pages.cursor(key, rows[limit - 1].draft_id) if more else None,
    }


@blueprint.route("/offer-drafts/<draft>")
@blueprint.response(200, DraftView)
@needs(proposals.READS)
def one_draft(draft: str) -> dict[str, Any]:
    """A draft with its five steps: done, or what is missing."""
    with database.begin() as session:
        return _shown(session, drafts.find(session, _number(draft)))


@blueprint.route("/offer-drafts/<draft>", methods=["POST"])
@blueprint.arguments(EditRequest)
@blueprint.response(200, DraftView)
@blueprint.doc(**IDEMPOTENT)
@needs(proposals.PROPOSES)
def edit(asked: dict[str, Any], draft: str) -> Response:
    """Write other values into one's own draft; a proposal that waits is taken back. Needs Idempotency-Key."""
    number, asked["content"] = _number(draft), plain(asked["content"])
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            changed = drafts.edit(
                session, current(), number, asked["revision"], asked["content"], clock.now()
            )
            return 200, _shown(session, changed)

        return answer_once(session, NO_MEMBER, asked, effect)


@blueprint.route("/offer-drafts/<draft>/propose", methods=["POST"])
@blueprint.arguments(RevisionRequest)
@blueprint.response(200, DraftView)
@blueprint.doc(**IDEMPOTENT)
@needs(proposals.PROPOSES)
def propose(asked: dict[str, Any], draft: str) -> Response:
    """Propose one's own draft as it is; another person decides. Needs Idempotency-Key."""
    number = _number(draft)
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            changed, _ = proposals.propose(session, current(), number, asked["revision"], clock.now())
            return 200, _shown(session, changed)

        return answer_once(session, NO_MEMBER, asked, effect)


@blueprint.route("/offer-drafts/<draft>/discard", methods=["POST"])
@blueprint.arguments(RevisionRequest)
@blueprint.response(200, DraftView)
@blueprint.doc(**IDEMPOTENT)
@needs(proposals.PROPOSES)
def discard(asked: dict[str, Any], draft: str) -> Response:
    """Throw one's own draft away. Needs Idempotency-Key."""
    number = _number(draft)
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            changed = drafts.discard(session, current(), number, asked["revision"], clock.now())
            return 200, _shown(session, changed)

        return answer_once(session, NO_MEMBER, asked, effect)


def _proposal_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    view = proposal_view(session, case, at)
    return view | {"content": proposals.seen_by(session, current(), view["content"])}


deciding(blueprint, "offer-proposals", proposals, _proposal_view, OfferProposalView, OfferProposalsView)


@blueprint.route("/offers/all")
@blueprint.arguments(StaffOffersQuery, location="query")
@blueprint.response(200, StaffOffersView)
@needs(proposals.READS)
def list_all(query: dict[str, Any]) -> dict[str, Any]:
    """Offers of a programme in every state, by kind; searched in both languages."""
    key, limit, at = f"offers-all:{config().secret_key}", query["limit"], clock.now()
    place = pages.position(key, query["cursor"])
    wanted = Wanted(query["kind"], query["state"], query["category"], query["q"])
    with database.begin() as session:
        programme = programmes.by_code(session, query["programme"])
        after = (place[0], place[1]) if place else None
        rows = listing.listed(session, programme.programme_id, wanted, at, after=after, limit=limit + 1)
    more = len(rows) > limit
    last = rows[limit - 1].offer if more else None
    return {
        "data": [staff_offer_view(row, at) for row in rows[:limit]],
        "has_more": more,
        "next_cursor": pages.cursor(key, last.kind, last.offer_id) if last else None,
    }


@blueprint.route("/offers/<offer>/versions")
@blueprint.response(200, VersionsView)
@needs(proposals.READS)
def versions(offer: str) -> dict[str, Any]:
    """Every version that an offer had, has and will have, the newest first."""
    (offer_id,) = ids.parse("off", offer, parts=1)
    at = clock.now()
    with database.begin() as session:
        state = session.get(OfferState, offer_id)
        if state is None or state.kind == HISTORY:
            raise OfferUnknown()
        programme = programmes.by_id(session, state.programme_id)
        found = drafts.versions_of(session, offer_id)
        begun = [version.version_id for version in found if version.from_at <= at]
        in_force = begun[-1] if begun else None
        return {"data": [version_view(session, one, programme, in_force) for one in reversed(found)]}


@blueprint.route("/offer-categories")
@blueprint.response(200, CategoryView(many=True))
@needs("offers:read")
def list_categories() -> list[dict[str, Any]]:
    """The categories that offers are sorted into."""
    return [{"code": code, "names": names} for code, names in categories.CATEGORIES.items()]


def _life(verb: str, deed: Deed, text: str) -> None:
    """One way of changing whether an offer is open."""

    def view(asked: dict[str, Any], offer: str) -> Response:
        (offer_id,) = ids.parse("off", offer, parts=1)
        with database.begin() as session:

            def effect() -> tuple[int, Any]:
                at = clock.now()
                state = deed(session, current(), offer_id, asked["reason"], at)
                found = offers.find(session, offer_id, state.programme_id, at)
                row = listing.Row(found.offer, state, found.left_over)
                return 200, staff_offer_view(row, at)

            return answer_once(session, NO_MEMBER, asked, effect)

    view.__doc__, view.__name__ = f"{text} Needs Idempotency-Key.", verb
    for mark in (
        needs(PAUSES),
        blueprint.doc(**IDEMPOTENT),
        blueprint.response(200, StaffOfferView),
        blueprint.arguments(ReasonRequest),
        blueprint.route(f"/offers/<offer>/{verb}", methods=["POST"]),
    ):
        view = mark(view)


_life("pause", life.pause, "Nobody redeems this offer until it is taken up again.")
_life("resume", life.resume, "A paused offer can be redeemed again, as it was approved.")
_life("end", life.end, "A paused offer ends for good; never by the person who paused it.")


def _begun(session: Session, asked: dict[str, Any]) -> OfferDraft:
    content = asked["content"]
    if asked["offer"] is None:
        return drafts.begin(session, current(), asked["programme"], asked["kind"], asked["code"], content)
    (offer_id,) = ids.parse("off", asked["offer"], parts=1)
    version = ids.parse("ofv", asked["version"], parts=1)[0] if asked["version"] else None
    draft = drafts.begin_from(session, current(), offer_id, version)
    if not content:
        return draft
    return drafts.edit(session, current(), draft.draft_id, draft.revision, content, clock.now())


def _shown(session: Session, draft: OfferDraft) -> dict[str, Any]:
    at = clock.now()
    view = draft_view(showing.shown(session, draft, at), at)
    return view | {"content": proposals.seen_by(session, current(), view["content"])}


def _number(draft: str) -> int:
    return int(ids.parse("drf", draft, parts=1)[0])
