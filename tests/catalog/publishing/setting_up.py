"""The given of tests about setting up offers: a maker, a checker, contents that are whole."""

from datetime import UTC, datetime, timedelta
from typing import Any

from base import clock, database
from base.approvals import approvals
from catalog.offers.models import Offer
from catalog.publishing import drafts, proposals
from tests.given import given_person

WHOLE: dict[str, Any] = {
    "category": "dining",
    "names": {"zh-CN": "龙井茶馆 10 元券", "en": "Tea house: 10 yuan voucher"},
    "texts": {"zh-CN": "周末可用。", "en": "Valid at weekends."},
    "terms": {"zh-CN": "不兑现。\n不找零。", "en": "No cash.\nNo change."},
    "cancellable": True,
    "voucher_days": 90,
    "merchant": "tea",
    "stock": 100,
    "value_fen": 1000,
    "cost_fen": 850,
}
A_CREDIT: dict[str, Any] = {
    "category": "bill",
    "names": {"zh-CN": "10 元话费", "en": "10 yuan of bill credit"},
    "texts": {"zh-CN": "抵扣账单。", "en": "Lowers the bill."},
    "cancellable": False,
    "stock": None,
    "value_fen": 1000,
    "cost_fen": 1000,
    "currency": "CNY",
}


def kind_of(answer: Any) -> str:
    """201, or "409 draft-changed"."""
    if answer.status_code < 400:
        return str(answer.status_code)
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def new_draft(maker: Any, content: dict[str, Any] | None = None, **more: Any) -> Any:
    """A draft of a voucher through the API."""
    place = {"programme": "gotone", "kind": "voucher", "code": "tea-10"}
    return maker.post("/v1/offer-drafts", place | {"content": WHOLE if content is None else content} | more)


def edit(maker: Any, draft: Any, **content: Any) -> Any:
    """Other values for a draft as it was read."""
    return maker.post(f"/v1/offer-drafts/{draft['id']}", {"revision": draft["revision"], "content": content})


def propose(maker: Any, draft: Any) -> Any:
    """Propose a draft as it was read."""
    return maker.post(f"/v1/offer-drafts/{draft['id']}/propose", {"revision": draft["revision"]})


def decide(checker: Any, proposed: Any, verb: str = "approve") -> Any:
    """Approve, or reject, what a draft was proposed as."""
    proposal = proposed["proposal"]
    body = {"content_hash": proposal["content_hash"]} if verb == "approve" else {"note": "not now"}
    return checker.post(f"/v1/offer-proposals/{proposal['id']}/{verb}", body)


def in_force(maker: Any, checker: Any, draft: Any) -> Any:
    """A draft proposed and approved: the proposal with the offer and version that it made."""
    answer = decide(checker, propose(maker, draft).json)
    assert answer.status_code == 200, answer.json
    return answer.json


def in_days(days: int) -> str:
    """A moment so many days from now on, as JSON."""
    return (clock.now() + timedelta(days=days)).astimezone(UTC).replace(microsecond=0).isoformat()


def proposed_draft(content: dict[str, Any] | None = None, code: str = "credit-10") -> tuple[Any, Any]:
    """A draft and its proposal straight at the rules, each in a transaction of its own."""
    maker, at = given_person("editor"), clock.now()
    with database.begin() as session:
        draft = drafts.begin(session, maker, "gotone", "bill_credit", code, A_CREDIT | (content or {}))
    with database.begin() as session:
        draft, case = proposals.propose(session, maker, draft.draft_id, draft.revision, at)
    return maker, case.proposal


def approve(checker: Any, proposal: Any, at: datetime | None = None) -> Any:
    """One person's yes, in a transaction of its own."""
    with database.begin() as session:
        seen = proposal.content_hash.hex()
        return approvals.approve(session, checker, proposal.proposal_id, seen, at or clock.now())


def versions() -> list[Offer]:
    """All versions of all offers there are."""
    with database.begin() as session:
        return list(session.query(Offer).order_by(Offer.from_at))
