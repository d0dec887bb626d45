"""JSON of terms: versions, and proposals of one."""

from datetime import date, datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View, WholeNumber
from merchants.agreements import proposals
from merchants.agreements.proposals import LONGEST_WINDOW_S, MOST_FEN, Wanted
from merchants.models import Terms
from merchants.schemas import PageView

_SHARE: dict[str, Any] = {"least": 0, "most": 10_000, "metadata": {"description": "basis points"}}


class TermsRequest(Request):
    """A version of a merchant's terms: shares in basis points, windows in seconds."""

    merchant = Text(required=True, most=64)
    from_day = ma.fields.Date(required=True, metadata={"description": "tomorrow or later, in its zone"})
    price_bp = WholeNumber(required=True, **_SHARE)
    fee_bp = WholeNumber(required=True, **_SHARE)
    vat_bp = WholeNumber(required=True, **_SHARE)
    void_window_s = WholeNumber(load_default=900, most=LONGEST_WINDOW_S)
    manager_void_window_s = WholeNumber(load_default=86_400, most=LONGEST_WINDOW_S)
    typed_limit_fen = WholeNumber(
        load_default=5_000,
        most=MOST_FEN,
        metadata={"description": "up to this value a typed code is enough by itself"},
    )
    direct_accept = ma.fields.Boolean(load_default=False, truthy={True}, falsy={False})
    reason = Text(required=True, most=500)


class TermsView(View):
    """A version of terms and where it stands."""

    id = ma.fields.String()
    from_day = ma.fields.String()
    price_bp = ma.fields.Integer()
    fee_bp = ma.fields.Integer()
    vat_bp = ma.fields.Integer()
    void_window_s = ma.fields.Integer()
    manager_void_window_s = ma.fields.Integer()
    typed_limit_fen = ma.fields.Integer()
    direct_accept = ma.fields.Boolean()
    approval = ma.fields.String(allow_none=True, metadata={"description": "the proposal that wrote it"})
    state = ma.fields.String(
        metadata={"description": "waiting (for the owner), later, in-force, replaced, lapsed (never agreed)"}
    )


class TermsVersionsView(PageView):
    """A page of versions."""

    data = ma.fields.List(ma.fields.Nested(TermsView))


class TermsProposalView(CaseView):
    """A proposal of a version."""

    merchant = ma.fields.String()
    from_day = ma.fields.String()
    price_bp = ma.fields.Integer()
    fee_bp = ma.fields.Integer()
    vat_bp = ma.fields.Integer()
    void_window_s = ma.fields.Integer()
    manager_void_window_s = ma.fields.Integer()
    typed_limit_fen = ma.fields.Integer()
    direct_accept = ma.fields.Boolean()
    reason = ma.fields.String()


class TermsProposalsView(PageView):
    """A page of proposals."""

    data = ma.fields.List(ma.fields.Nested(TermsProposalView))


def wanted(asked: dict[str, Any]) -> Wanted:
    """TermsRequest as the rules take it."""
    return Wanted(**{name: asked[name] for name in Wanted.__dataclass_fields__})


def terms_view(session: Session, one: Terms, today: date) -> dict[str, Any]:
    """A version as TermsView; plain JSON, for it is stored with the idempotency key."""
    numbers = {name: getattr(one, name) for name in Wanted.__dataclass_fields__ if name != "from_day"}
    return numbers | {
        "id": proposals.public_id(one),
        "from_day": one.from_day.isoformat(),
        "approval": one.approval,
        "state": proposals.standing(session, one, today),
    }


def proposal_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as TermsProposalView."""
    said = {name: value for name, value in case.proposal.said.items() if name != "kind"}
    return case_view(case, at) | said
