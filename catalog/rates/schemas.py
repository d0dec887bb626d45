"""JSON of rates."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import QueryNumber, Request, Text, View, WholeNumber
from catalog.rates import listing, proposals
from catalog.rates.checking import KINDS, MOST, MOST_ROWS
from catalog.rates.differences import Line, Terms
from catalog.rates.listing import STATES
from catalog.rates.models import Rate
from catalog.rates.scopes import Scope, scope_of
from points.adjustments.adjustments import MOST_TEXT
from points.factors import TIER_CODE
from points.members.areas import AREA

Codes = dict[int | None, str]
PROGRAMME = {"description": "its code"}
OFFER = {"description": "its code; with kind null as well: the whole programme"}
ENDS = {"description": "null, and per_fen as well: from then on the scope has no rate of its own"}


def _area(**options: Any) -> ma.fields.String:
    return ma.fields.String(
        validate=ma.validate.Regexp(rf"(?:{AREA.pattern})?\Z"),
        metadata={"description": "code of province, city or county; empty: everywhere"},
        **options,
    )


def _tier(**options: Any) -> ma.fields.String:
    return ma.fields.String(
        load_default=None, validate=ma.validate.Regexp(TIER_CODE.pattern + r"\Z"), **options
    )


class RateRow(Request):
    """A version: from a day on, maybe until one, so many points buy so many fen of what the scope says."""

    offer = Text(load_default=None, allow_none=True, most=64, metadata=OFFER)
    kind = ma.fields.String(load_default=None, allow_none=True, validate=ma.validate.OneOf(KINDS))
    tier = _tier(allow_none=True)
    area = _area(load_default="")
    from_day = ma.fields.Date(required=True)
    until_day = ma.fields.Date(load_default=None, allow_none=True, metadata={"description": "the last day"})
    points = WholeNumber(least=1, most=MOST, required=True, allow_none=True, metadata=ENDS)
    per_fen = WholeNumber(least=1, most=MOST, required=True, allow_none=True)


class RatesRequest(Request):
    """Versions that two persons are to agree on together, and why."""

    programme = Text(required=True, most=64, metadata=PROGRAMME)
    rows = ma.fields.List(
        ma.fields.Nested(RateRow), required=True, validate=ma.validate.Length(min=1, max=MOST_ROWS)
    )
    reason = Text(required=True, most=MOST_TEXT)


class RevertRequest(Request):
    """From which day on the old numbers are to hold once more, and why."""

    from_day = ma.fields.Date(required=True)
    reason = Text(required=True, most=MOST_TEXT)


class RatesQuery(Request):
    """Which versions."""

    programme = Text(required=True, most=64, metadata=PROGRAMME)
    on = ma.fields.Date(load_default=None, metadata={"description": "the day of the states; left out: today"})
    state = ma.fields.String(load_default=None, validate=ma.validate.OneOf(STATES))
    offer = Text(load_default=None, most=64, metadata={"description": "its code"})
    kind = ma.fields.String(load_default=None, validate=ma.validate.OneOf(KINDS))
    tier = _tier()
    area = _area(load_default=None)
    limit = QueryNumber(least=1, most=200, load_default=50)
    cursor = ma.fields.String(load_default=None)


class RatesFileQuery(Request):
    """Whose versions."""

    programme = Text(required=True, most=64, metadata=PROGRAMME)


class RatesBetweenQuery(Request):
    """Which two days."""

    programme = Text(required=True, most=64, metadata=PROGRAMME)
    before = ma.fields.Date(required=True)
    after = ma.fields.Date(required=True)


class ScopeView(View):
    """What a rate is for: an offer, a kind of offers or the whole programme; maybe a tier, maybe an area."""

    offer = ma.fields.String(allow_none=True, metadata={"description": "its code"})
    kind = ma.fields.String(allow_none=True)
    tier = ma.fields.String(allow_none=True)
    area = ma.fields.String(metadata={"description": "empty: everywhere"})


class RateRowView(ScopeView):
    """A version as it was proposed."""

    from_day = ma.fields.String()
    until_day = ma.fields.String(allow_none=True)
    points = ma.fields.Integer(allow_none=True, metadata=ENDS)
    per_fen = ma.fields.Integer(allow_none=True)


class RateView(RateRowView):
    """A version, and how it stands on the day."""

    id = ma.fields.String()
    state = ma.fields.String(metadata={"enum": list(STATES)})
    approval = ma.fields.String(
        allow_none=True, metadata={"description": "null: written while the programme was set up"}
    )


class RatesView(View):
    """A page of versions, the latest begun first."""

    data = ma.fields.List(ma.fields.Nested(RateView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class RateTermsView(View):
    """So many points for so many fen."""

    points = ma.fields.Integer()
    per_fen = ma.fields.Integer()
    own = ma.fields.Boolean(metadata={"description": "false: of a wider scope"})


class DifferenceView(ScopeView):
    """What holds for a scope before and from a day on."""

    from_day = ma.fields.String()
    until_day = ma.fields.String(allow_none=True)
    before = ma.fields.Nested(RateTermsView, allow_none=True)
    after = ma.fields.Nested(RateTermsView, allow_none=True)
    change_bp = ma.fields.Integer(
        allow_none=True, metadata={"description": "by how many basis points the price in points rises"}
    )


class DifferencesView(View):
    """What changes, scope by scope."""

    data = ma.fields.List(ma.fields.Nested(DifferenceView))


class RatesProposalView(CaseView):
    """A proposal of versions."""

    programme = ma.fields.String()
    rows = ma.fields.List(ma.fields.Nested(RateRowView))
    reason = ma.fields.String()
    reverts = ma.fields.String(allow_none=True, metadata={"description": "the version that comes back"})


class RatesProposalsView(View):
    """A page of proposals of versions."""

    data = ma.fields.List(ma.fields.Nested(RatesProposalView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def proposal_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as RatesProposalView."""
    said = {name: value for name, value in case.proposal.said.items() if name != "kind"}
    return case_view(case, at) | said


def rate_views(session: Session, found: Sequence[Rate], on: date) -> list[dict[str, Any]]:
    """Versions as RateView."""
    codes = proposals.codes_of(session, {scope_of(rate) for rate in found})
    return [
        {
            **_scope(scope_of(rate), codes),
            "id": proposals.reference(rate.rate_id),
            "from_day": rate.from_day.isoformat(),
            "until_day": rate.until_day.isoformat() if rate.until_day else None,
            "points": rate.points,
            "per_fen": rate.per_fen,
            "state": listing.state(rate, on),
            "approval": rate.approval,
        }
        for rate in found
    ]


def difference_views(session: Session, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Lines as DifferenceView."""
    codes = proposals.codes_of(session, {line.row.scope for line in lines})
    return [
        {
            **_scope(line.row.scope, codes),
            "from_day": line.row.from_day.isoformat(),
            "until_day": line.row.until_day.isoformat() if line.row.until_day else None,
            "before": _terms(line.before),
            "after": _terms(line.after),
            "change_bp": line.change_bp,
        }
        for line in lines
    ]


def _scope(scope: Scope, codes: Codes) -> dict[str, Any]:
    return {
        "offer": codes.get(scope.offer_id),
        "kind": scope.kind,
        "tier": scope.tier,
        "area": scope.area,
    }


def _terms(terms: Terms | None) -> dict[str, Any] | None:
    return {"points": terms.points, "per_fen": terms.per_fen, "own": terms.own} if terms else None
