"""The merchant's pages of its settlement: statements and drafts, each line down to its acceptance, disputes, invoices, files."""

import hashlib
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.merchant import forms
from app.merchant.frame import PAGE, cut, errors_on, page, position, reach
from base import clock, database, ids
from base.auth.guard import current, needs
from base.errors import Problem, field_errors
from base.web.i18n import both, current_language
from base.web.i18n import gettext as _
from catalog.disputes import disputing
from catalog.disputes.schemas import held_fen
from merchants import scope
from merchants.disputes import disputes
from merchants.disputes.models import STATES
from merchants.invoices import invoices
from merchants.invoices.invoices import InvoiceUnknown, Wanted
from merchants.invoices.models import MERCHANT, OPERATOR
from merchants.models import Acceptance
from merchants.onboarding import documents
from merchants.settled import settled
from merchants.settled.settled import Row
from merchants.statements import draft
from merchants.statements.api import answer
from merchants.statements.closing import StatementUnknown
from merchants.statements.files import TYPES
from merchants.statements.models import KINDS

MOST_FILE = 5 << 20
blueprint = Blueprint("merchant_settlement", __name__, template_folder="templates", url_prefix="/merchant")
errors_on(blueprint)


@blueprint.route("/statements")
@needs(settled.READS)
def statement_list() -> ResponseReturnValue:
    """Where the money stands; periods to look at, and sealed statements, the newest first."""
    place, at = position(), clock.now()
    with database.begin() as session:
        merchant = scope.merchant_of(session, reach(session))
        open_ones = settled.drafts(session, merchant, at)
        money = settled.money(session, merchant, open_ones, at)
        found = settled.listed(
            session, merchant.merchant_id, before=int(place[0]) if place else None, limit=PAGE + 1
        )
        rows, after = cut(found, lambda row: [row.statement.statement_no])
        missing = {
            row.statement.statement_no for row in rows if invoices.is_missing(session, row.statement, at)
        }
    return page(
        "merchant/settlement/statements.html",
        money=money,
        drafts=[] if place else open_ones,
        rows=[(_stm(row), row) for row in rows],
        missing=missing,
        after=after,
    )


@blueprint.route("/drafts/<last_day>")
@needs(settled.READS)
def one_draft(last_day: str) -> ResponseReturnValue:
    """A period that is not sealed yet: what it comes to, until when to look, its lines."""
    place = position()
    after = (datetime.fromisoformat(place[0]), int(place[1]), str(place[2]), int(place[3])) if place else None
    with database.begin() as session:
        merchant = scope.merchant_of(session, reach(session))
        one = draft.find(session, merchant, _day(last_day), clock.now())
        found = draft.lines_of(session, merchant, one, after=after, limit=PAGE + 1)
        rows, after_next = cut(
            found, lambda row: [row.recorded_at.isoformat(), row.source_id, row.kind, row.member_id]
        )
        behind = settled.named(session, rows)
    return page(
        "merchant/settlement/draft.html",
        one=one,
        whole=one.outcome.whole,
        sums=one.outcome.sums,
        rows=[(row, behind.get((row.member_id, row.source_id)), _acc(row)) for row in rows],
        after=after_next,
    )


@blueprint.route("/statements/<statement>")
@needs(settled.READS)
def one_statement(statement: str) -> ResponseReturnValue:
    """A sealed statement: sums by kind, where its money stands, its lines, maybe of one kind."""
    asked, place, at = request.args.get("kind"), position(), clock.now()
    kind = asked if asked in KINDS else None
    with database.begin() as session:
        row = settled.find(session, reach(session), statement)
        found = settled.lines(
            session, row.statement, kind=kind, after=int(place[0]) if place else 0, limit=PAGE + 1
        )
        due = invoices.due(session, row.statement, at)
    lines, after = cut(found, lambda line: [line.line_no])
    return page(
        "merchant/settlement/statement.html",
        id=statement,
        row=row,
        statement=row.statement,
        kind=kind,
        lines=[(line, ids.public("acc", line.member_id, line.acceptance_id or 0)) for line in lines],
        due=due,
        formats=TYPES,
        after=after,
    )


@blueprint.route("/statements/<statement>/files/<kind>")
@needs(settled.READS)
def one_file(statement: str, kind: str) -> ResponseReturnValue:
    """A statement as a file, or as a page to print, in the language of the pages."""
    with database.begin() as session:
        mine = reach(session)
        row, merchant = settled.find(session, mine, statement).statement, scope.merchant_of(session, mine)
    return answer(row, merchant, kind, current_language())


@blueprint.route("/acceptances/<acceptance>")
@needs(settled.READS)
def one_acceptance(acceptance: str) -> ResponseReturnValue:
    """An acceptance: where, by whom, what moved money for it; and the form to dispute it."""
    return _acceptance(acceptance)


@blueprint.route("/acceptances/<acceptance>/dispute", methods=["POST"])
@needs(disputing.OPENS)
def dispute(acceptance: str) -> ResponseReturnValue:
    """Dispute it: its amount is held until it is decided."""
    said = request.form.get("said", "").strip()

    def opened(session: Session) -> dict[str, Any]:
        member_id, acceptance_id = ids.parse("acc", acceptance)
        made = disputing.open_for(session, reach(session), (member_id, acceptance_id), said, clock.now())
        return {"dispute": disputing.reference(made)}

    try:
        done = forms.once({"said": said}, opened)
    except Problem as problem:
        return forms.refused(problem, lambda refusal: _acceptance(acceptance, refusal, said))
    return redirect(url_for(".one_dispute", dispute=done["dispute"]), 303)


@blueprint.route("/disputes")
@needs(disputing.OPENS)
def dispute_list() -> ResponseReturnValue:
    """Disputes about the merchant's acceptances, the newest first; maybe of one state."""
    asked, place = request.args.get("state"), position()
    state = asked if asked in STATES else None
    with database.begin() as session:
        mine = reach(session)
        found = disputes.of_merchant_listed(
            session,
            mine.merchant_id,
            state=state,
            before=int(place[0]) if place else None,
            limit=PAGE + 1,
        )
        rows, after = cut(found, lambda row: [row.dispute_id])
        shown = [(disputing.reference(row), row, _of(session, row)) for row in rows]
    return page("merchant/settlement/disputes.html", rows=shown, state=state, states=STATES, after=after)


@blueprint.route("/disputes/<dispute>")
@needs(disputing.OPENS)
def one_dispute(dispute: str) -> ResponseReturnValue:
    """A dispute: its stage, until when it is decided, who has it, what is held."""
    member_id, dispute_id = ids.parse("dsp", dispute)
    with database.begin() as session:
        row = disputes.of_merchant(session, reach(session).merchant_id, member_id, dispute_id)
        acceptance = _of(session, row)
    return page(
        "merchant/settlement/dispute.html",
        row=row,
        acceptance=acceptance,
        acceptance_id=ids.public("acc", row.member_id, row.acceptance_id),
        held=held_fen(row, acceptance),
    )


@blueprint.route("/statements/<statement>/invoices")
@needs(invoices.OWN)
def invoice_list(statement: str) -> ResponseReturnValue:
    """The invoices of a statement: what is due, what was handed in, and the form for one."""
    return _invoices(statement)


@blueprint.route("/statements/<statement>/invoices", methods=["POST"])
@needs(invoices.OWN)
def hand_in(statement: str) -> ResponseReturnValue:
    """Hand in the merchant's invoice; of its file the hash is kept alone."""
    try:
        wanted = _wanted()
        forms.once(
            {name: str(value) for name, value in vars(wanted).items()},
            lambda session: _handed_in(session, statement, wanted),
        )
    except Problem as problem:
        return forms.refused(problem, lambda refusal: _invoices(statement, refusal))
    return redirect(url_for(".invoice_list", statement=statement), 303)


@blueprint.route("/statements/<statement>/invoices/<invoice>/reject", methods=["POST"])
@needs(invoices.OWN)
def reject(statement: str, invoice: str) -> ResponseReturnValue:
    """Say why an invoice of the operator is not right."""
    reason = request.form.get("reason", "").strip()

    def rejected(session: Session) -> dict[str, Any]:
        merchant_id, invoice_id = ids.parse("inv", invoice)
        row = invoices.find(session, merchant_id, invoice_id)
        if merchant_id != reach(session).merchant_id or row.issuer != OPERATOR:
            raise InvoiceUnknown()
        invoices.reject(session, row, reason, current().actor, clock.now())
        return {}

    try:
        forms.once({"reason": reason}, rejected)
    except Problem as problem:
        return forms.refused(problem, lambda refusal: _invoices(statement, refusal))
    return redirect(url_for(".invoice_list", statement=statement), 303)


def _acceptance(acceptance: str, refusal: dict[str, Any] | None = None, said: str = "") -> str:
    with database.begin() as session:
        use = settled.use(session, reach(session), acceptance)
    row = use.acceptance
    if not said and request.args.get("ask") == "undo":
        said = _to_undo(use)
    return page(
        "merchant/settlement/acceptance.html",
        id=acceptance,
        use=use,
        row=row,
        dispute=ids.public("dsp", row.member_id, use.dispute_id) if use.dispute_id else None,
        may_dispute=use.is_disputable and disputing.OPENS in current().permissions,
        moved=[
            (part, ids.public("stm", row.merchant_id, part.statement_no) if part.line_no else None)
            for part in use.moved
        ],
        refusal=refusal,
        said=said,
    )


def _to_undo(use: settled.Use) -> str:
    """A request to undo it after the window, to be read once more and sent."""
    return str(
        _(
            "Accepted by mistake at %(outlet)s, till %(till)s, clerk %(clerk)s; nothing was handed over. Please undo it.",
            outlet=both(use.outlet.names),
            till=use.terminal,
            clerk=use.clerk,
        )
    )


def _invoices(statement: str, refusal: dict[str, Any] | None = None) -> str:
    with database.begin() as session:
        mine = reach(session)
        row = settled.find(session, mine, statement).statement
        due = invoices.due(session, row, clock.now())
        found = invoices.of_statement(session, row)
        paper = documents.latest(session, mine.merchant_id)
    asked = next((one for one in due if one.issuer == MERCHANT), None)
    return page(
        "merchant/settlement/invoices.html",
        id=statement,
        statement=row,
        due=due,
        asked=asked if asked and asked.state != invoices.RECEIVED else None,
        rows=[(invoices.public_id(one), one) for one in found],
        seller=paper,
        typed=request.form,
        refusal=refusal,
    )


def _handed_in(session: Session, statement: str, wanted: Wanted) -> dict[str, Any]:
    mine = reach(session)
    row = settled.find(session, mine, statement).statement
    made = invoices.hand_in(session, row, MERCHANT, wanted, mine.actor, clock.now())
    return {"invoice": invoices.public_id(made)}


def _wanted() -> Wanted:
    """What was typed; Invalid names the fields that cannot be read."""
    typed = {name: value.strip() for name, value in request.form.items()}
    wrong: dict[str, str] = {}
    numbers: dict[str, Any] = {}
    for name in ("amount_fen", "tax_bp", "tax_fen", "total_fen"):
        text = typed.get(name, "")
        if text.isascii() and text.isdigit() and len(text) <= 15:
            numbers[name] = int(text)
        else:
            wrong[name] = _("must be a whole number")
    try:
        issued_on = date.fromisoformat(typed.get("issued_on", ""))
    except ValueError:
        wrong["issued_on"] = _("must be a date")
    if wrong:
        raise field_errors(wrong)
    texts: dict[str, Any] = {
        one.name: typed.get(one.name, "")
        for one in fields(Wanted)
        if one.name not in (*numbers, "issued_on", "file_hash")
    }
    return Wanted(**texts, **numbers, issued_on=issued_on, file_hash=_file_hash())


def _file_hash() -> bytes | None:
    file = request.files.get("file")
    if file is None or not file.filename:
        return None
    body = file.stream.read(MOST_FILE + 1)
    if len(body) > MOST_FILE:
        raise field_errors({"file": _("must be 5 MB or less")})
    return hashlib.sha256(body).digest()


def _of(session: Session, row: Any) -> Acceptance:
    return session.get_one(Acceptance, (row.member_id, row.acceptance_id))


def _stm(row: Row) -> str:
    return ids.public("stm", row.statement.merchant_id, row.statement.statement_no)


def _acc(row: Any) -> str:
    return ids.public("acc", row.member_id, row.source_id)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise StatementUnknown() from None
