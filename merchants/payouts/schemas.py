"""JSON of payouts, runs, releases and banks' files."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base import ids
from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View
from merchants import merchants
from merchants.payout_routes.models import BANK, STRIPE
from merchants.payouts import bank_files, bank_returns, payouts
from merchants.payouts.bank_returns import Taken
from merchants.payouts.models import RETURNED, STATES, BankReturn, Payout, PayoutRun, PayoutStep
from merchants.schemas import PageQuery, PageView

MOST_CONTENT = 900_000


class PayoutsQuery(PageQuery):
    """Which payouts: maybe in one state, or of one merchant."""

    state = ma.fields.String(load_default=None, validate=ma.validate.OneOf(STATES))
    merchant = Text(load_default=None, most=64, metadata={"description": "the merchant's code"})


class OwnPayoutsQuery(PageQuery):
    """Which of the own payouts."""

    state = ma.fields.String(load_default=None, validate=ma.validate.OneOf(STATES))


class PayoutReasonRequest(Request):
    """Why."""

    reason = Text(required=True, most=500)


class PayoutRunRequest(Request):
    """A run of everything that is ready: by which way, due until which day, a bank's in which form."""

    route = ma.fields.String(required=True, validate=ma.validate.OneOf([STRIPE, BANK]))
    until = ma.fields.Date(required=True)
    template = ma.fields.String(
        load_default=bank_files.PLAIN, validate=ma.validate.OneOf(sorted(bank_files.TEMPLATES))
    )
    reason = Text(required=True, most=500)


class PayoutReleaseRequest(Request):
    """Which payout is to be sent under a further version, and why."""

    statement = Text(required=True, most=80)
    reason = Text(required=True, most=500)


class BankReturnRequest(Request):
    """What a bank says became of its lines: its file as it came, in base64."""

    template = ma.fields.String(required=True, validate=ma.validate.OneOf(sorted(bank_files.TEMPLATES)))
    content = Text(required=True, most=MOST_CONTENT, metadata={"description": "the file's bytes in base64"})


class PayoutStepView(View):
    """A step of a payout."""

    at = ma.fields.AwareDateTime()
    state = ma.fields.String()
    version = ma.fields.Integer()
    actor = ma.fields.String()
    reason = ma.fields.String()
    reference = ma.fields.String(allow_none=True)
    approval = ma.fields.String(allow_none=True)


class PayoutView(View):
    """The money of a statement and where it stands."""

    statement = ma.fields.String(metadata={"description": "the statement's id, which is the payout's too"})
    merchant = ma.fields.String()
    state = ma.fields.String(metadata={"enum": list(STATES)})
    version = ma.fields.Integer()
    amount_fen = ma.fields.Integer()
    currency = ma.fields.String()
    due_day = ma.fields.String(allow_none=True)
    route = ma.fields.String(metadata={"description": "stripe or bank; empty until it is approved"})
    on_hold_for = ma.fields.String(metadata={"description": "what holds it, if it is on hold"})
    reason = ma.fields.String()
    run = ma.fields.String(allow_none=True)
    transfer = ma.fields.String(allow_none=True)
    bank_payout = ma.fields.String(allow_none=True)
    changed_at = ma.fields.String()
    steps = ma.fields.List(ma.fields.Nested(PayoutStepView))


class PayoutsView(PageView):
    """A page of payouts."""

    data = ma.fields.List(ma.fields.Nested(PayoutView))


class PayoutRunLineView(View):
    """A payout that a run takes."""

    statement = ma.fields.String()
    version = ma.fields.Integer()
    amount_fen = ma.fields.Integer()
    route_no = ma.fields.Integer()


class PayoutRunProposalView(CaseView):
    """A proposal of a run: the list, its sum, and of a bank's file its SHA-256."""

    run = ma.fields.String()
    route = ma.fields.String()
    template = ma.fields.String()
    currency = ma.fields.String()
    count = ma.fields.Integer()
    sum_fen = ma.fields.Integer()
    sha256 = ma.fields.String()
    reason = ma.fields.String()
    payouts = ma.fields.List(ma.fields.Nested(PayoutRunLineView))


class PayoutRunProposalsView(PageView):
    """A page of proposals."""

    data = ma.fields.List(ma.fields.Nested(PayoutRunProposalView))


class PayoutReleaseView(CaseView):
    """A proposal that a payout is sent under a further version."""

    statement = ma.fields.String()
    version = ma.fields.Integer()
    payout_state = ma.fields.String()
    amount_fen = ma.fields.Integer()
    reason = ma.fields.String()


class PayoutReleasesView(PageView):
    """A page of proposals."""

    data = ma.fields.List(ma.fields.Nested(PayoutReleaseView))


class PayoutRunView(View):
    """A run that two persons approved."""

    id = ma.fields.String()
    at = ma.fields.AwareDateTime()
    route = ma.fields.String()
    template = ma.fields.String()
    count = ma.fields.Integer()
    sum_fen = ma.fields.Integer()
    currency = ma.fields.String()
    approval = ma.fields.String()
    sha256 = ma.fields.String(allow_none=True)


class PayoutRunsView(PageView):
    """A page of runs."""

    data = ma.fields.List(ma.fields.Nested(PayoutRunView))


class BankReturnErrorView(View):
    """A row that did not fit."""

    line = ma.fields.Integer()
    error = ma.fields.String()


class BankReturnView(View):
    """A bank's file that was taken in."""

    id = ma.fields.String()
    at = ma.fields.String()
    template = ma.fields.String()
    rows = ma.fields.Integer()
    paid = ma.fields.Integer()
    returned = ma.fields.Integer()
    wrong = ma.fields.Integer()
    sha256 = ma.fields.String()
    errors = ma.fields.List(ma.fields.Nested(BankReturnErrorView))


class BankReturnsView(PageView):
    """A page of banks' files."""

    data = ma.fields.List(ma.fields.Nested(BankReturnView))


class StripeTakenView(View):
    """Stripe's webhook was taken; what it tells is looked at afterwards."""

    received = ma.fields.Boolean(required=True)


def payout_view(session: Session, row: Payout, steps: list[PayoutStep] | None = None) -> dict[str, Any]:
    """A payout as PayoutView; plain JSON, for it is stored with the idempotency key."""
    names = (
        "state",
        "version",
        "amount_fen",
        "currency",
        "route",
        "reason",
        "transfer",
        "bank_payout",
    )
    view: dict[str, Any] = {name: getattr(row, name) for name in names}
    view |= {
        "statement": payouts.reference(row),
        "on_hold_for": row.held,
        "merchant": merchants.by_id(session, row.merchant_id).code,
        "due_day": row.due_day.isoformat() if row.due_day else None,
        "run": ids.public("pyr", row.run_id) if row.run_id else None,
        "changed_at": row.changed_at.isoformat(),
    }
    if steps is not None:
        kept = ("at", "state", "version", "actor", "reason", "reference", "approval")
        view["steps"] = [{name: getattr(step, name) for name in kept} for step in steps]
    return view


def own_payout_view(session: Session, row: Payout) -> dict[str, Any]:
    """The same for its merchant: why the bank sent it back, but not what the operator's people or its balance say of it."""
    return payout_view(session, row) | {"reason": row.reason if row.state == RETURNED else ""}


def run_proposal_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """A proposal as PayoutRunProposalView."""
    said = {name: value for name, value in case.proposal.said.items() if name != "kind"}
    names = ("statement", "version", "amount_fen", "route_no")
    said["payouts"] = [dict(zip(names, line, strict=True)) for line in said["payouts"]]
    return case_view(case, at) | said


def release_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """A proposal as PayoutReleaseView."""
    said = {name: value for name, value in case.proposal.said.items() if name not in ("kind", "state")}
    return case_view(case, at) | said | {"payout_state": case.proposal.said["state"]}


def run_view(row: PayoutRun) -> dict[str, Any]:
    """A run as PayoutRunView."""
    names = ("at", "route", "template", "count", "sum_fen", "currency", "approval")
    view = {name: getattr(row, name) for name in names}
    return view | {"id": ids.public("pyr", row.run_id), "sha256": row.sha256.hex() if row.sha256 else None}


def return_view(row: BankReturn) -> dict[str, Any]:
    """A bank's file as BankReturnView."""
    names = ("template", "rows", "paid", "returned", "wrong")
    view = {name: getattr(row, name) for name in names}
    return view | {"id": bank_returns.public_id(row), "at": row.at.isoformat(), "sha256": row.sha256.hex()}


def taken_view(taken: Taken) -> dict[str, Any]:
    """The same, with the rows that did not fit."""
    errors = [{"line": row.line_no, "error": error} for row, error in taken.wrong]
    return return_view(taken.file) | {"errors": errors}
