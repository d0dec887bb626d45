"""JSON of recoveries and write-offs."""

from datetime import datetime
from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base import ids
from base.approvals.approvals import Case
from base.approvals.schemas import CaseView, case_view
from base.http.api import Request, Text, View
from merchants.models import Merchant
from merchants.recoveries import recoveries
from merchants.recoveries.models import INVOICE, RESERVE, REVERSAL, Recovery
from merchants.recoveries.recoveries import NextStatementFirst, NoDebt
from merchants.schemas import PageView


class RungRequest(Request):
    """Which rung of the ladder is taken, and why."""

    step = ma.fields.String(required=True, validate=ma.validate.OneOf([RESERVE, REVERSAL, INVOICE]))
    reason = Text(required=True, most=500)


class PaidRequest(Request):
    """Under which reference an invoice was paid."""

    reference = Text(required=True, most=120)


class WriteOffRequest(Request):
    """Which invoice is written off, and why."""

    invoice = Text(required=True, most=80)
    reason = Text(required=True, most=500)


class RecoveryView(View):
    """A rung that was taken."""

    id = ma.fields.String()
    step = ma.fields.String()
    state = ma.fields.String()
    amount_fen = ma.fields.Integer()
    statement = ma.fields.String(metadata={"description": "whose debt it is"})
    against = ma.fields.String(allow_none=True, metadata={"description": "whose transfer is reversed"})
    number = ma.fields.String(allow_none=True)
    reference = ma.fields.String(allow_none=True)
    reason = ma.fields.String()
    actor = ma.fields.String()
    approval = ma.fields.String(allow_none=True)
    at = ma.fields.String()


class RecoveriesView(PageView):
    """A page of recoveries, with what is owed now and the rung that comes next."""

    data = ma.fields.List(ma.fields.Nested(RecoveryView))
    owed_fen = ma.fields.Integer()
    next_step = ma.fields.String(allow_none=True)


class WriteOffView(CaseView):
    """A proposal to write an invoice off."""

    invoice = ma.fields.String()
    number = ma.fields.String()
    amount_fen = ma.fields.Integer()
    reason = ma.fields.String()


class WriteOffsView(PageView):
    """A page of proposals."""

    data = ma.fields.List(ma.fields.Nested(WriteOffView))


def recovery_view(row: Recovery) -> dict[str, Any]:
    """A recovery as RecoveryView; plain JSON, for it is stored with the idempotency key."""
    names = ("step", "state", "amount_fen", "number", "reference", "reason", "actor", "approval")
    against = ids.public("stm", row.merchant_id, row.against_no) if row.against_no else None
    return {name: getattr(row, name) for name in names} | {
        "id": recoveries.public_id(row),
        "statement": ids.public("stm", row.merchant_id, row.statement_no),
        "against": against,
        "at": row.at.isoformat(),
    }


def debt_view(session: Session, merchant: Merchant) -> dict[str, Any]:
    """What is owed now, as RecoveriesView tells it."""
    try:
        debt = recoveries.debt_of(session, merchant)
    except NoDebt:
        return {"owed_fen": 0, "next_step": None}
    except NextStatementFirst as first:
        return {"owed_fen": first.facts["owed_fen"], "next_step": "next-statement"}
    return {"owed_fen": debt.left_fen, "next_step": debt.rung}


def write_off_view(session: Session, case: Case, at: datetime) -> dict[str, Any]:
    """A proposal as WriteOffView."""
    said = {name: value for name, value in case.proposal.said.items() if name != "kind"}
    return case_view(case, at) | said
