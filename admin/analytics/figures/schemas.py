"""JSON of figures: premium, mix, liability, roll-up, and targets of the mix. Shares are basis points, money whole fen."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from admin.analytics.mix_targets import MOST_REASON
from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import QueryNumber, Request, Text, View, WholeNumber
from base.money import BASIS_POINTS
from points.wallets.schemas import PageQuery

LISTED, BY_OFFER, BY_MERCHANT = "listed", "offer", "merchant"


class FiguresQuery(PageQuery):
    """Of which programme, as of which day at the latest (left out: the newest), and of which area of one's own."""

    programme = Text(required=True, most=64, metadata={"description": "its code"})
    on = ma.fields.Date(load_default=None)
    area = Text(
        load_default=None, most=6, metadata={"description": "a province, city or county of one's own area"}
    )


class PremiumQuery(FiguresQuery):
    """Of which rows: offers as listed today, or what was taken up by offer or by merchant."""

    by = ma.fields.String(load_default=LISTED, validate=ma.validate.OneOf([LISTED, BY_OFFER, BY_MERCHANT]))


class MixQuery(FiguresQuery):
    """Of how many weeks at once."""

    limit = QueryNumber(least=1, most=53, load_default=13)


class RollUpQuery(FiguresQuery):
    """Of which period; left out: the one that was taken last."""

    period = Text(
        load_default=None, most=9, metadata={"description": "a month (2026-11) or ten days (2026-11-1)"}
    )


class PageView(View):
    """A page of rows of figures: of what, as of when they were taken."""

    programme = ma.fields.String()
    area = ma.fields.String(metadata={"description": "empty: all"})
    as_of = ma.fields.AwareDateTime(allow_none=True)
    from_day = ma.fields.Date(allow_none=True)
    until_day = ma.fields.Date(allow_none=True)
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class PremiumRowView(View):
    """An offer or merchant: what a point is worth there and costs, beside bill credit. `label` follows from the number."""

    offer = ma.fields.String(allow_none=True)
    code = ma.fields.String(allow_none=True)
    merchant = ma.fields.String(allow_none=True)
    kind = ma.fields.String(allow_none=True)
    names = ma.fields.Dict(allow_none=True)
    price_points = ma.fields.Integer(allow_none=True)
    count = ma.fields.Integer()
    points = ma.fields.Integer()
    value_fen = ma.fields.Integer(allow_none=True)
    cost_fen = ma.fields.Integer(allow_none=True)
    credit_fen = ma.fields.Integer(
        metadata={"description": "what the same points would have been as bill credit"}
    )
    premium_bp = ma.fields.Integer(
        allow_none=True, metadata={"description": "above bill credit; below zero: less"}
    )
    cost_premium_bp = ma.fields.Integer(allow_none=True)
    cost_a_use_fen = ma.fields.Integer(allow_none=True)
    rating = ma.fields.Dict(
        metadata={
            "description": "share of four and five stars in basis points with its interval, or why there is none"
        }
    )
    unnoticed = ma.fields.Boolean(
        allow_none=True, metadata={"description": "rated below all together, the whole interval of it"}
    )
    flag = ma.fields.Dict(
        allow_none=True, metadata={"description": "plain words where it is dear and unnoticed"}
    )
    label = ma.fields.Dict(allow_none=True, metadata={"description": "plain words where it is worth less"})
    cost_label = ma.fields.Dict(allow_none=True)


class PremiumView(PageView):
    """Offers as listed, or what was taken up; `whole` is all that was taken up, weighted by points; None: not taken yet."""

    by = ma.fields.String()
    data = ma.fields.List(ma.fields.Nested(PremiumRowView))
    whole = ma.fields.Nested(PremiumRowView, allow_none=True)
    rating = ma.fields.Dict(metadata={"description": "of all offers together"})


class SliceView(View):
    """A heap of a week: shares of points, of redemptions and of cost; how far the points' share lies from the target."""

    heap = ma.fields.String()
    count = ma.fields.Integer()
    points = ma.fields.Integer()
    cost_fen = ma.fields.Integer()
    points_bp = ma.fields.Integer()
    count_bp = ma.fields.Integer()
    cost_bp = ma.fields.Integer()
    target_bp = ma.fields.Integer(allow_none=True)
    drift_bp = ma.fields.Integer(allow_none=True)


class RateOfWeekView(View):
    """A version of a rate; with counts where it stands for what it priced."""

    rate = ma.fields.String(allow_none=True)
    offer = ma.fields.String(allow_none=True)
    kind = ma.fields.String(allow_none=True)
    tier = ma.fields.String(allow_none=True)
    area = ma.fields.String()
    rate_points = ma.fields.Integer()
    per_fen = ma.fields.Integer()
    from_day = ma.fields.Date()
    until_day = ma.fields.Date(allow_none=True)
    count = ma.fields.Integer()
    points = ma.fields.Integer()
    began_this_week = ma.fields.Boolean()


class TargetView(View):
    """A target: shares of the points by heap, from a day on."""

    from_day = ma.fields.Date()
    shares = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer())
    alert_bp = ma.fields.Integer()
    approval = ma.fields.String()


class AlertView(View):
    """Staff were told that a heap lay too far from its target."""

    heap = ma.fields.String()
    share_bp = ma.fields.Integer()
    target_bp = ma.fields.Integer()
    at = ma.fields.AwareDateTime()


class WeekView(View):
    """A week, Monday to Sunday; `rate_changes`: versions that began in it."""

    from_day = ma.fields.Date()
    until_day = ma.fields.Date()
    as_of = ma.fields.AwareDateTime()
    heaps = ma.fields.List(ma.fields.Nested(SliceView))
    kinds = ma.fields.List(ma.fields.Dict())
    target = ma.fields.Nested(TargetView, allow_none=True)
    rates = ma.fields.List(ma.fields.Nested(RateOfWeekView))
    rate_changes = ma.fields.List(ma.fields.Nested(RateOfWeekView))
    alerts = ma.fields.List(ma.fields.Nested(AlertView))


class MixView(PageView):
    """Weeks, newest first."""

    data = ma.fields.List(ma.fields.Nested(WeekView))


class CohortView(View):
    """Points of an issue month and class: how many, what they are worth, and how many are expected to lapse."""

    issued = ma.fields.String(metadata={"description": "a month, 2026-11"})
    lot_class = ma.fields.Integer(data_key="class", attribute="class")
    points = ma.fields.Integer()
    value_fen = ma.fields.Integer(metadata={"description": "at fair value"})
    upper_fen = ma.fields.Integer(metadata={"description": "at the bill-credit rate"})
    expected_to_lapse = ma.fields.Integer()
    expected_to_lapse_interval = ma.fields.List(ma.fields.Integer())
    liability_fen = ma.fields.Integer()
    upper_liability_fen = ma.fields.Integer()


class LapsesView(View):
    """What lapses over some days: live now, and expected to be left by then."""

    from_day = ma.fields.String(metadata={"description": "a day"})
    until_day = ma.fields.String(metadata={"description": "a day"})
    points = ma.fields.Integer()
    expected_to_lapse = ma.fields.Integer()


class LiabilityView(PageView):
    """The liability at the end of a day; `points` are those of all lots, as the ledger has them."""

    status = ma.fields.String()
    reasons = ma.fields.List(ma.fields.Dict())
    points = ma.fields.Integer()
    lapsed_not_posted = ma.fields.Integer()
    total = ma.fields.Dict()
    set_aside = ma.fields.Dict(allow_none=True, metadata={"description": "for a whole programme alone"})
    fair_fen_per_1000_points = ma.fields.Integer()
    bill_credit_fen_per_1000_points = ma.fields.Integer()
    lapses_soon = ma.fields.List(ma.fields.Nested(LapsesView))
    restated = ma.fields.Dict(
        allow_none=True, metadata={"description": "what changed in policies, with both figures"}
    )
    policies = ma.fields.List(ma.fields.Dict())
    extensions = ma.fields.List(ma.fields.Dict())
    data = ma.fields.List(ma.fields.Nested(CohortView))


class PartOfAreaView(View):
    """A part of an area; `is_rest`: its members of whom nothing closer is known."""

    area = ma.fields.String()
    is_rest = ma.fields.Boolean()
    names = ma.fields.Dict(allow_none=True)
    figures = ma.fields.Dict()


class RollUpView(PageView):
    """An area and its parts, which add up to it."""

    names = ma.fields.Dict(allow_none=True)
    whole = ma.fields.Dict()
    definitions = ma.fields.Dict()
    data = ma.fields.List(ma.fields.Nested(PartOfAreaView))


class SharesRequest(Request):
    """Basis points of the points by heap, 10,000 in all."""

    mall = WholeNumber(most=BASIS_POINTS, required=True)
    bill_credit = WholeNumber(most=BASIS_POINTS, required=True)
    club = WholeNumber(most=BASIS_POINTS, required=True)
    new_services = WholeNumber(most=BASIS_POINTS, required=True)


class MixTargetRequest(Request):
    """A target of the mix from a day on, and from which drift on staff are told."""

    programme = Text(required=True, most=64)
    from_day = ma.fields.Date(required=True)
    shares = ma.fields.Nested(SharesRequest, required=True)
    alert_bp = WholeNumber(least=1, most=BASIS_POINTS, required=True)
    reason = Text(required=True, most=MOST_REASON)


class MixTargetProposalView(CaseView):
    """A proposed target."""

    programme = ma.fields.String()
    from_day = ma.fields.String()
    shares = ma.fields.Dict()
    alert_bp = ma.fields.Integer()
    reason = ma.fields.String()


class MixTargetProposalsView(View):
    """A page of proposals."""

    data = ma.fields.List(ma.fields.Nested(MixTargetProposalView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def proposal_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as MixTargetProposalView."""
    return case_view(case, at) | {name: value for name, value in case.proposal.said.items() if name != "kind"}
