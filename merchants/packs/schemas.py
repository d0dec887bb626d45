"""JSON of packs: those bought, and proposals of one."""

from datetime import date, datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View, WholeNumber
from merchants.packs import packs
from merchants.packs.packs import Rest
from merchants.packs.proposals import MOST_FEN, MOST_POINTS, MOST_REFERENCE, Wanted
from merchants.schemas import PageView


class PackRequest(Request):
    """A pack that a merchant bought."""

    merchant = Text(required=True, most=64)
    points = WholeNumber(required=True, least=1, most=MOST_POINTS)
    price_fen = WholeNumber(required=True, most=MOST_FEN, metadata={"description": "paid for all of them"})
    from_day = ma.fields.Date(required=True, metadata={"description": "today or later, in its zone"})
    until_day = ma.fields.Date(
        load_default=None, allow_none=True, metadata={"description": "null: without end"}
    )
    reference = Text(
        required=True,
        most=MOST_REFERENCE,
        metadata={"description": "how it was paid: of an invoice or transfer"},
    )
    reason = Text(required=True, most=500)


class PackView(View):
    """A pack and what is left of it."""

    id = ma.fields.String()
    points = ma.fields.Integer()
    points_left = ma.fields.Integer()
    price_fen = ma.fields.Integer()
    from_day = ma.fields.String()
    until_day = ma.fields.String(allow_none=True)
    reference = ma.fields.String()
    approval = ma.fields.String(metadata={"description": "the proposal that entered it"})
    state = ma.fields.String(
        metadata={"description": "later, running, empty, or over (its last day has passed)"}
    )


class PacksView(PageView):
    """A page of packs, the newest first."""

    data = ma.fields.List(ma.fields.Nested(PackView))


class PackProposalView(CaseView):
    """A proposal of a pack."""

    merchant = ma.fields.String()
    points = ma.fields.Integer()
    price_fen = ma.fields.Integer()
    from_day = ma.fields.String()
    until_day = ma.fields.String(allow_none=True)
    reference = ma.fields.String()
    reason = ma.fields.String()


class PackProposalsView(PageView):
    """A page of proposals."""

    data = ma.fields.List(ma.fields.Nested(PackProposalView))


def wanted(asked: dict[str, Any]) -> Wanted:
    """PackRequest as the rules take it."""
    return Wanted(**{name: asked[name] for name in Wanted.__dataclass_fields__})


def pack_view(one: Rest, today: date) -> dict[str, Any]:
    """The pack as PackView."""
    pack = one.pack
    return {
        "id": packs.public_id(pack),
        "points": pack.points,
        "points_left": one.left,
        "price_fen": pack.price_fen,
        "from_day": pack.from_day.isoformat(),
        "until_day": pack.until_day.isoformat() if pack.until_day else None,
        "reference": pack.reference,
        "approval": pack.approval,
        "state": packs.standing(one, today),
    }


def proposal_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as PackProposalView."""
    said = {name: value for name, value in case.proposal.said.items() if name != "kind"}
    return case_view(case, at) | said
