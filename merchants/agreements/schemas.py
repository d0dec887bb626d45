"""JSON of terms: versions, and proposals of one."""

from datetime import date, datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View, WholeNumber
from merchants.agreements import proposals
from merchants.agreements.wanted import MOST, MOST_BRAND, Wanted
from merchants.models import CYCLES, ISSUING_RULES, MONTHLY, POSTPAID, Terms
from merchants.schemas import PageView

_PRICES = "what a unit of an offer costs instead, by the offer's id: bp of its face value, or fen"


def _number(name: str, says: str, **options: Any) -> WholeNumber:
    return WholeNumber(most=MOST[name], metadata={"description": says}, **options)


class PriceRequest(Request):
    """What a unit of one offer costs: a share of its face value, or fen; one of both."""

    bp = WholeNumber(most=MOST["price_bp"])
    fen = WholeNumber(most=MOST["minimum_fen"])


class TermsRequest(Request):
    """A version of a merchant's terms: shares in basis points, windows in seconds, money in fen."""

    merchant = Text(required=True, most=64)
    from_day = ma.fields.Date(required=True, metadata={"description": "tomorrow or later, in its zone"})
    price_bp = _number(
        "price_bp", "of the face value, for every offer that prices does not name", required=True
    )
    fee_bp = _number("fee_bp", "of what is owed", required=True)
    vat_bp = _number("vat_bp", "of the fee", required=True)
    void_window_s = _number("void_window_s", "at the same till", load_default=900)
    manager_void_window_s = _number("manager_void_window_s", "for a manager", load_default=86_400)
    typed_limit_fen = _number(
        "typed_limit_fen", "up to this value a typed code is enough by itself", load_default=5_000
    )
    direct_accept = ma.fields.Boolean(load_default=False, truthy={True}, falsy={False})
    prices = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Nested(PriceRequest),
        load_default=dict,
        metadata={"description": _PRICES},
    )
    fee_fixed_fen = _number("fee_fixed_fen", "for each use, on top of fee_bp", load_default=0)
    fee_cap_fen = _number(
        "fee_cap_fen", "the fee of a use is never more; null: no cap", load_default=None, allow_none=True
    )
    merchant_bp = _number("merchant_bp", "of the price the merchant bears", load_default=0)
    brand_bp = _number("brand_bp", "of the price a brand bears", load_default=0)
    brand = Text(most=MOST_BRAND, metadata={"description": "where brand_bp is above 0"})
    cycle = ma.fields.String(load_default=MONTHLY, validate=ma.validate.OneOf(CYCLES))
    cutoff_minute = _number(
        "cutoff_minute", "minutes after midnight at which a day ends, in its zone", load_default=0
    )
    draft_days = _number("draft_days", "business days to look at a draft", load_default=2)
    pay_days = _number("pay_days", "business days after the period on which it is paid", load_default=2)
    reserve_bp = _number("reserve_bp", "of each statement stay in reserve", load_default=0)
    reserve_days = _number("reserve_days", "for so many days", load_default=0)
    minimum_fen = _number("minimum_fen", "less is carried to the next statement", load_default=0)
    issuing_fen = _number(
        "issuing_fen", "for 1,000 points that members earn here without a pack", load_default=0
    )
    issuing_rule = ma.fields.String(
        load_default=POSTPAID,
        validate=ma.validate.OneOf(ISSUING_RULES),
        metadata={"description": "without a pack points are owed for; that and an alert; or refused"},
    )
    points_per_100_yuan = _number(
        "points_per_100_yuan", "that members earn with a purchase here; 0: none", load_default=0
    )
    reason = Text(required=True, most=500)


class SaidView(View):
    """What a version says."""

    from_day = ma.fields.String()
    price_bp = ma.fields.Integer()
    fee_bp = ma.fields.Integer()
    vat_bp = ma.fields.Integer()
    void_window_s = ma.fields.Integer()
    manager_void_window_s = ma.fields.Integer()
    typed_limit_fen = ma.fields.Integer()
    direct_accept = ma.fields.Boolean()
    prices = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer()),
        metadata={"description": _PRICES},
    )
    fee_fixed_fen = ma.fields.Integer()
    fee_cap_fen = ma.fields.Integer(allow_none=True)
    merchant_bp = ma.fields.Integer()
    brand_bp = ma.fields.Integer()
    brand = ma.fields.String()
    cycle = ma.fields.String(metadata={"enum": list(CYCLES)})
    cutoff_minute = ma.fields.Integer()
    draft_days = ma.fields.Integer()
    pay_days = ma.fields.Integer()
    reserve_bp = ma.fields.Integer()
    reserve_days = ma.fields.Integer()
    minimum_fen = ma.fields.Integer()
    issuing_fen = ma.fields.Integer()
    issuing_rule = ma.fields.String(metadata={"enum": list(ISSUING_RULES)})
    points_per_100_yuan = ma.fields.Integer()


class TermsView(SaidView):
    """A version of terms and where it stands."""

    id = ma.fields.String()
    approval = ma.fields.String(allow_none=True, metadata={"description": "the proposal that wrote it"})
    state = ma.fields.String(
        metadata={"description": "waiting (for the owner), later, in-force, replaced, lapsed (never agreed)"}
    )


class TermsVersionsView(PageView):
    """A page of versions."""

    data = ma.fields.List(ma.fields.Nested(TermsView))


class TermsProposalView(SaidView, CaseView):
    """A proposal of a version."""

    merchant = ma.fields.String()
    reason = ma.fields.String()


class TermsProposalsView(PageView):
    """A page of proposals."""

    data = ma.fields.List(ma.fields.Nested(TermsProposalView))


def wanted(asked: dict[str, Any]) -> Wanted:
    """TermsRequest as the rules take it."""
    return Wanted(**{name: asked[name] for name in Wanted.__dataclass_fields__ if name in asked})


def terms_view(session: Session, one: Terms, today: date) -> dict[str, Any]:
    """A version as TermsView; plain JSON, for it is stored with the idempotency key."""
    numbers = {name: getattr(one, name) for name in Wanted.__dataclass_fields__ if name != "from_day"}
    return numbers | {
        "id": proposals.public_id(one),
        "prices": proposals.prices_of(one),
        "from_day": one.from_day.isoformat(),
        "approval": one.approval,
        "state": proposals.standing(session, one, today),
    }


def proposal_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as TermsProposalView."""
    said = {name: value for name, value in case.proposal.said.items() if name != "kind"}
    return case_view(case, at) | said
