"""Payouts: those of one state with what to do about them, runs proposed for a second person, their files."""

from collections.abc import Callable, Sequence
from datetime import date
from uuid import uuid4

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console import words
from admin.console.approvals.pages import url_of
from admin.console.http import PAGE, cut, once, page, position
from admin.console.partners.http import day, text
from admin.console.sheets import http as sheets
from base import audit, clock, database, ids
from base.auth.guard import current, needs
from base.errors import field_errors
from base.http.settings import config
from base.web.i18n import gettext as _
from merchants import merchants
from merchants import words as merchant_words
from merchants.models import Merchant
from merchants.payout_routes.models import BANK, STRIPE
from merchants.payouts import bank_files, payouts, releases, runs
from merchants.payouts.models import APPROVED, ON_HOLD, PLANNED, STATES, Payout
from merchants.payouts.runs import Wanted

FILES = "payouts:files"
SHOWN_RUNS = 10
ROUTES = (BANK, STRIPE)
COLUMNS = ("merchant", "statement", "amount_fen", "currency", "due_day", "state", "route", "since", "why")
blueprint = Blueprint("payouts", __name__)


@blueprint.route("/payouts")
@needs(payouts.READS)
def payout_list() -> ResponseReturnValue:
    """Payouts of one state, how many need a person, the latest runs, and the form to propose one."""
    asked = request.args.get("state")
    state = asked if asked in STATES else PLANNED
    place = position(f"payouts {state}")
    with database.begin() as session:
        if sheets.is_asked():
            return _list_file(session, payouts.listed(session, current(), state=state, limit=sheets.MOST))
        after = (int(place[0]), int(place[1])) if place else None
        found = payouts.listed(session, current(), state=state, after=after, limit=PAGE + 1)
        rows, after_next = cut(f"payouts {state}", found, lambda row: [row.merchant_id, row.statement_no])
        database.bring(session, Merchant, (row.merchant_id for row in rows))
        shown = [(payouts.reference(row), row, merchants.by_id(session, row.merchant_id)) for row in rows]
        need = {
            one: len(payouts.listed(session, current(), state=one, limit=PAGE + 1))
            for one in payouts.NEEDS_PERSON
        }
        latest = runs.listed(session, limit=SHOWN_RUNS) if runs.has_all_areas(current()) else []
    return page(
        "console/payouts.html",
        rows=shown,
        state=state,
        states=STATES,
        need={one: n for one, n in need.items() if n},
        runs=[(ids.public("pyr", run.run_id), run) for run in latest],
        routes=[(one, words.PAYOUT_ROUTES[one]) for one in ROUTES],
        templates=[(code, code) for code in bank_files.TEMPLATES],
        today=clock.now().date(),
        may_propose=runs.PROPOSES in current().permissions,
        may_file=FILES in current().permissions,
        after=after_next,
        as_file=bool(shown),
        words=merchant_words,
        key=uuid4(),
    )


def _list_file(session: Session, rows: Sequence[Payout]) -> Response:
    """The payouts that the filter shows as a file."""
    database.bring(session, Merchant, (row.merchant_id for row in rows))
    lines = (
        (
            merchants.by_id(session, row.merchant_id).code, row.statement_no, row.amount_fen, row.currency, row.due_day,
            row.state, row.route, row.changed_at.isoformat(), row.held or row.reason,
        )
        for row in rows
    )  # fmt: skip
    return sheets.of_list(session, "payouts", COLUMNS, lines)


@blueprint.route("/payouts/runs", methods=["POST"])
@needs(runs.PROPOSES)
def propose_run() -> ResponseReturnValue:
    """Propose a run of everything that is ready; another person approves exactly that."""
    route, template = request.form.get("route", ""), request.form.get("template", bank_files.PLAIN)
    wanted, reason = Wanted(route, _until(), template), text("reason", 500)
    where = once(
        lambda session: url_of(
            runs.KIND,
            runs.propose(
                session, current(), config().seal_key, wanted, reason, clock.now()
            ).proposal.proposal_id,
        )
    )
    return redirect(where, 303)


@blueprint.route("/payouts/runs/<run>/file")
@needs(FILES)
def run_file(run: str) -> ResponseReturnValue:
    """The file of a bank's run, with the bytes that two persons approved; each time is on record."""
    runs.for_all_areas(current())
    with database.begin() as session:
        file = bank_files.of_run(session, config().seal_key, runs.find(session, run))
        audit.write(session, current().actor, "payout-run.file", run, sha256=file.sha256.hex())
    made = Response(file.content, content_type="text/csv; charset=utf-8")
    made.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return made


@blueprint.route("/payouts/<statement>")
@needs(payouts.READS)
def one_payout(statement: str) -> ResponseReturnValue:
    """A payout step by step, and what a person can do about it."""
    with database.begin() as session:
        row = payouts.find(session, current(), statement)
        merchant = merchants.by_id(session, row.merchant_id)
        steps = payouts.steps_of(session, row)
    permissions = current().permissions
    return page(
        "console/payout.html",
        id=statement,
        row=row,
        merchant=merchant,
        steps=steps,
        may_hold=payouts.HOLDS in permissions and row.state in (PLANNED, APPROVED, ON_HOLD),
        may_release=releases.PROPOSES in permissions and row.state in payouts.NEEDS_PERSON,
        words=merchant_words,
        key=uuid4(),
    )


@blueprint.route("/payouts/<statement>/stop", methods=["POST"])
@needs(payouts.HOLDS)
def stop(statement: str) -> ResponseReturnValue:
    """Stop it before it is sent."""
    return _done(statement, payouts.stop)


@blueprint.route("/payouts/<statement>/let-go", methods=["POST"])
@needs(payouts.HOLDS)
def let_go(statement: str) -> ResponseReturnValue:
    """Let go what a person has stopped."""
    return _done(statement, payouts.let_go)


@blueprint.route("/payouts/<statement>/release", methods=["POST"])
@needs(releases.PROPOSES)
def release(statement: str) -> ResponseReturnValue:
    """Propose that it is sent anew; another person approves."""
    reason = text("reason", 500)

    def effect(session: Session) -> str:
        row = payouts.find(session, current(), statement)
        case = releases.propose(session, current(), row, reason, clock.now())
        return url_of(releases.KIND, case.proposal.proposal_id)

    return redirect(once(effect), 303)


def _done(statement: str, deed: Callable[..., Payout]) -> ResponseReturnValue:
    reason = text("reason", 500)

    def effect(session: Session) -> None:
        row: Payout = payouts.find(session, current(), statement)
        deed(session, row, current().actor, reason, clock.now())

    once(effect)
    return redirect(url_for(".one_payout", statement=statement), 303)


def _until() -> date:
    route = request.form.get("route", "")
    if route not in ROUTES:
        raise field_errors({"route": _("not one of the choices")})
    return day("until")
