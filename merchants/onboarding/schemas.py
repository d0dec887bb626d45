"""JSON of joining: merchants with their ticket, steps, documents, reviews."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View
from merchants.models import STAGES
from merchants.onboarding import checklist, documents, stages
from merchants.onboarding.documents import Paper
from merchants.onboarding.models import MERCHANT, OPERATOR, REGIMES, ROUTES, MerchantStep
from merchants.onboarding.stages import AHEAD, MOST_NOTE, Ticket
from merchants.schemas import InBothRequest, PageQuery, PageView


class MerchantsQuery(PageQuery):
    """Which merchants: maybe those of a stage."""

    stage = ma.fields.String(load_default=None, validate=ma.validate.OneOf(STAGES))


class JoinRequest(Request):
    """A merchant that is to join."""

    code = ma.fields.String(
        required=True, validate=ma.validate.Regexp(r"[a-z0-9][a-z0-9-]{1,39}\Z", error="2 to 40 of a-z 0-9 -")
    )
    names = ma.fields.Nested(InBothRequest, required=True)
    city = Text(required=True, most=60)
    area = Text(
        load_default=None,
        allow_none=True,
        most=6,
        metadata={"description": "the code of its province, city or county"},
    )
    zone = Text(load_default="Asia/Shanghai", most=60)
    currency = ma.fields.String(load_default="CNY", validate=ma.validate.Regexp(r"[A-Z]{3}\Z"))


class MerchantStepRequest(Request):
    """The next step, or a later one: suspended, leaving, closed."""

    to = ma.fields.String(required=True, validate=ma.validate.OneOf(STAGES))
    note = Text(load_default=None, allow_none=True, most=MOST_NOTE)
    confirmed = ma.fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "to tried: a person saw the till's trial"},
    )


class HandOverRequest(Request):
    """Who has the ticket from now on, and until when."""

    owner = ma.fields.String(required=True, validate=ma.validate.OneOf((MERCHANT, OPERATOR)))
    until_at = ma.fields.AwareDateTime(load_default=None, allow_none=True)
    mine = ma.fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "of the operator: the caller takes it"},
    )
    note = Text(load_default=None, allow_none=True, most=MOST_NOTE)


class DocumentsRequest(Request):
    """What is handed in; what is left out is not there yet."""

    licence_number = Text(load_default=None, allow_none=True, most=40)
    legal_name = Text(load_default=None, allow_none=True, most=120)
    tax_number = Text(load_default=None, allow_none=True, most=40)
    contact_name = Text(load_default=None, allow_none=True, most=60)
    contact_phone = Text(load_default=None, allow_none=True, most=30)
    contact_email = Text(load_default=None, allow_none=True, most=120)
    payout_route = ma.fields.String(load_default=None, allow_none=True, validate=ma.validate.OneOf(ROUTES))
    payout_account = Text(load_default=None, allow_none=True, most=80)
    invoice_regime = ma.fields.String(load_default=None, allow_none=True, validate=ma.validate.OneOf(REGIMES))


class ReviewRequest(Request):
    """Why the documents are right as they are."""

    reason = Text(required=True, most=500)


class OwnerRequest(Request):
    """The number of the first owner within the merchant."""

    number = Text(required=True, most=20)


class DocumentsView(View):
    """The documents that count, contact and account masked; number 0: none were handed in."""

    number = ma.fields.Integer()
    licence_number = ma.fields.String()
    legal_name = ma.fields.String()
    tax_number = ma.fields.String()
    contact_name = ma.fields.String()
    contact_phone = ma.fields.String()
    contact_email = ma.fields.String()
    payout_route = ma.fields.String()
    payout_account = ma.fields.String()
    invoice_regime = ma.fields.String()
    reviewed = ma.fields.Boolean()


class PointView(View):
    """A condition of the next step."""

    name = ma.fields.String()
    done = ma.fields.Boolean()


class MerchantStepView(View):
    """A step: the stage from then on, who has it, until when."""

    number = ma.fields.Integer()
    stage = ma.fields.String()
    at = ma.fields.String()
    by = ma.fields.String()
    owner = ma.fields.String(
        metadata={"description": "merchant, operator, or empty: nobody has to do anything"}
    )
    until_at = ma.fields.String(allow_none=True)
    note = ma.fields.String()
    approval = ma.fields.String(allow_none=True)


class MerchantView(View):
    """A merchant and where its ticket stands."""

    code = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    city = ma.fields.String()
    area = ma.fields.String()
    zone = ma.fields.String()
    currency = ma.fields.String()
    stage = ma.fields.String()
    owner = ma.fields.String()
    since = ma.fields.String(allow_none=True)
    until_at = ma.fields.String(allow_none=True)
    overdue = ma.fields.Boolean()


class OneMerchantView(MerchantView):
    """A merchant with the way it came and what the next step needs."""

    next = ma.fields.String(allow_none=True, metadata={"description": "the next step of joining"})
    checklist = ma.fields.List(ma.fields.Nested(PointView))
    documents = ma.fields.Nested(DocumentsView)
    steps = ma.fields.List(ma.fields.Nested(MerchantStepView))


class MerchantsView(PageView):
    """A page of merchants, what is overdue first."""

    data = ma.fields.List(ma.fields.Nested(MerchantView))


class ReviewView(CaseView):
    """A proposed review of documents."""

    merchant = ma.fields.String()
    documents = ma.fields.Integer(metadata={"description": "their number"})
    digest = ma.fields.String(metadata={"description": "fingerprint of the documents that were read"})
    reason = ma.fields.String()


class ReviewsView(PageView):
    """A page of reviews."""

    data = ma.fields.List(ma.fields.Nested(ReviewView))


def paper(asked: dict[str, Any]) -> Paper:
    """DocumentsRequest as the rules take it."""
    return Paper(**{name: value or "" for name, value in asked.items()})


def merchant_view(ticket: Ticket, at: datetime) -> dict[str, Any]:
    """A merchant as MerchantView."""
    merchant, step = ticket.merchant, ticket.step
    return {
        "code": merchant.code,
        "names": merchant.names,
        "city": merchant.city,
        "area": merchant.area,
        "zone": merchant.zone,
        "currency": merchant.currency,
        "stage": merchant.state,
        "owner": step.owner if step else "",
        "since": step.at.isoformat() if step else None,
        "until_at": step.until_at.isoformat() if step and step.until_at else None,
        "overdue": ticket.overdue(at),
    }


def one_view(session: Session, seal_key: str, ticket: Ticket, at: datetime) -> dict[str, Any]:
    """A merchant as OneMerchantView."""
    merchant = ticket.merchant
    ahead = AHEAD.get(merchant.state)
    points = checklist.of(session, merchant, ahead, at) if ahead else []
    return merchant_view(ticket, at) | {
        "next": ahead,
        "checklist": [{"name": one.name, "done": one.done} for one in points],
        "documents": documents_view(session, seal_key, merchant.merchant_id),
        "steps": [step_view(one) for one in stages.history(session, merchant.merchant_id)],
    }


def documents_view(session: Session, seal_key: str, merchant_id: int) -> dict[str, Any]:
    """The latest documents as DocumentsView."""
    row = documents.latest(session, merchant_id)
    shown = documents.masked(documents.opened(seal_key, row))
    number = row.documents_no if row else 0
    reviewed = stages.reviewed_no(session, merchant_id)
    return vars(shown) | {"number": number, "reviewed": number > 0 and reviewed == number}


def step_view(step: MerchantStep) -> dict[str, Any]:
    """A step as MerchantStepView."""
    return {
        "number": step.step_no,
        "stage": step.stage,
        "at": step.at.isoformat(),
        "by": step.actor,
        "owner": step.owner,
        "until_at": step.until_at.isoformat() if step.until_at else None,
        "note": step.note,
        "approval": step.approval,
    }


def review_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """The proposal as ReviewView."""
    said = {name: value for name, value in case.proposal.said.items() if name != "kind"}
    return case_view(case, at) | said
