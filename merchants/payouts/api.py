"""HTTP: payouts for the operator's finance and for merchants, runs and releases by two persons, banks' files, Stripe's events."""

import base64
import binascii
import tempfile
from pathlib import Path
from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from base import audit, clock, database, pages
from base.approvals.api import deciding
from base.approvals.approvals import NO_MEMBER
from base.auth.guard import current, needs, open_to_all
from base.errors import field_errors
from base.http.api import IDEMPOTENT, NO_SIGN_IN, Blueprint, answer_once
from base.http.settings import config
from merchants import scope
from merchants.payouts import bank_files, bank_returns, events, payouts, releases, runs, stripe
from merchants.payouts.models import Payout, PayoutRun
from merchants.payouts.runs import Wanted
from merchants.payouts.schemas import (
    BankReturnRequest,
    BankReturnsView,
    BankReturnView,
    OwnPayoutsQuery,
    PayoutReasonRequest,
    PayoutReleaseRequest,
    PayoutReleasesView,
    PayoutReleaseView,
    PayoutRunProposalsView,
    PayoutRunProposalView,
    PayoutRunRequest,
    PayoutRunsView,
    PayoutsQuery,
    PayoutsView,
    PayoutView,
    StripeTakenView,
    own_payout_view,
    payout_view,
    release_view,
    return_view,
    run_proposal_view,
    run_view,
    taken_view,
)
from merchants.schemas import PageQuery

blueprint = Blueprint(
    "payouts", __name__, description="The money of sealed statements on its way to merchants"
)


@blueprint.route("/payouts")
@blueprint.arguments(PayoutsQuery, location="query")
@blueprint.response(200, PayoutsView)
@needs(payouts.READS)
def list_them(query: dict[str, Any]) -> dict[str, Any]:
    """Payouts of merchants within the caller's area; maybe in one state, or of one merchant."""
    key, limit = f"payouts:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        code = query["merchant"]
        merchant_id = scope.merchant(session, current(), code).merchant_id if code else None
        rows = payouts.listed(
            session,
            current(),
            state=query["state"],
            merchant_id=merchant_id,
            after=(place[0], place[1]) if place else None,
            limit=limit + 1,
        )
        return pages.page(key, rows, limit, _place, lambda one: payout_view(session, one))


@blueprint.route("/payouts/<statement>")
@blueprint.response(200, PayoutView)
@needs(payouts.READS)
def one(statement: str) -> dict[str, Any]:
    """A statement's payout with every step that it took."""
    with database.begin() as session:
        found = payouts.find(session, current(), statement)
        return payout_view(session, found, payouts.steps_of(session, found))


@blueprint.route("/payouts/<statement>/stop", methods=["POST"])
@blueprint.arguments(PayoutReasonRequest)
@blueprint.response(200, PayoutView)
@blueprint.doc(**IDEMPOTENT)
@needs(payouts.HOLDS)
def stop(asked: dict[str, Any], statement: str) -> Response:
    """Stop a payout that was not sent yet; it stays on hold until a person lets it go. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        found = payouts.find(session, current(), statement)
        moved = payouts.stop(session, found, current().actor, asked["reason"], clock.now())
        return payout_view(session, moved)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (200, effect(session)))


@blueprint.route("/payouts/<statement>/let-go", methods=["POST"])
@blueprint.arguments(PayoutReasonRequest)
@blueprint.response(200, PayoutView)
@blueprint.doc(**IDEMPOTENT)
@needs(payouts.HOLDS)
def let_go(asked: dict[str, Any], statement: str) -> Response:
    """Let go of what a person has stopped; it waits for a run again. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        found = payouts.find(session, current(), statement)
        moved = payouts.let_go(session, found, current().actor, asked["reason"], clock.now())
        return payout_view(session, moved)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (200, effect(session)))


@blueprint.route("/merchant/payouts")
@blueprint.arguments(OwnPayoutsQuery, location="query")
@blueprint.response(200, PayoutsView)
@needs("statements:merchant")
def own(query: dict[str, Any]) -> dict[str, Any]:
    """The payouts of the caller's merchant, by statement."""
    key, limit = f"own-payouts:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    with database.begin() as session:
        reach = scope.reach_of(session, current())
        rows = payouts.of_merchant(
            session,
            reach.merchant_id,
            state=query["state"],
            before=place[1] if place else None,
            limit=limit + 1,
        )
        return pages.page(key, rows, limit, _place, lambda one: own_payout_view(session, one))


# ---- runs and releases


@blueprint.route("/payout-run-proposals", methods=["POST"])
@blueprint.arguments(PayoutRunRequest)
@blueprint.response(201, PayoutRunProposalView)
@blueprint.doc(**IDEMPOTENT)
@needs(runs.PROPOSES)
def propose_run(asked: dict[str, Any]) -> Response:
    """Propose to pay everything that is ready by one way; another person approves exactly that. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        at, wanted = clock.now(), Wanted(asked["route"], asked["until"], asked["template"])
        case = runs.propose(session, current(), config().seal_key, wanted, asked["reason"], at)
        return run_proposal_view(session, case, at)

    said = asked | {"until": asked["until"].isoformat()}
    with database.begin() as session:
        return answer_once(session, NO_MEMBER, said, lambda: (201, effect(session)))


deciding(
    blueprint, "payout-run-proposals", runs, run_proposal_view, PayoutRunProposalView, PayoutRunProposalsView
)


@blueprint.route("/payout-release-proposals", methods=["POST"])
@blueprint.arguments(PayoutReleaseRequest)
@blueprint.response(201, PayoutReleaseView)
@blueprint.doc(**IDEMPOTENT)
@needs(releases.PROPOSES)
def propose_release(asked: dict[str, Any]) -> Response:
    """Propose a further version of what failed, came back, or was looked for in vain for a day. Needs Idempotency-Key."""

    def effect(session: Session) -> dict[str, Any]:
        at, found = clock.now(), payouts.find(session, current(), asked["statement"])
        return release_view(session, releases.propose(session, current(), found, asked["reason"], at), at)

    with database.begin() as session:
        return answer_once(session, NO_MEMBER, asked, lambda: (201, effect(session)))


deciding(blueprint, "payout-release-proposals", releases, release_view, PayoutReleaseView, PayoutReleasesView)


@blueprint.route("/payout-runs")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, PayoutRunsView)
@needs(payouts.READS)
def list_runs(query: dict[str, Any]) -> dict[str, Any]:
    """Runs that were approved, the newest first."""
    key, limit = f"payout-runs:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    runs.for_all_areas(current())
    with database.begin() as session:
        rows = runs.listed(session, before=int(place[0]) if place else None, limit=limit + 1)
        return pages.page(key, rows, limit, lambda one: [one.run_id], run_view)


@blueprint.route("/payout-runs/<run>/file")
@blueprint.response(200, content_type="text/csv", description="the bank's file, the same bytes each time")
@needs("payouts:files")
def file(run: str) -> Response:
    """The file of a bank's run, as it was approved: account numbers in clear, so each look is written down."""
    runs.for_all_areas(current())
    with database.begin() as session:
        found: PayoutRun = runs.find(session, run)
        made = bank_files.of_run(session, config().seal_key, found)
        audit.write(session, current().actor, "payout-run.file", run, sha256=made.sha256.hex())
    answer = Response(made.content, mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{made.name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.route("/bank-returns")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, BankReturnsView)
@needs(payouts.READS)
def list_returns(query: dict[str, Any]) -> dict[str, Any]:
    """Banks' files that were taken in, the newest first."""
    key, limit = f"bank-returns:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    runs.for_all_areas(current())
    with database.begin() as session:
        rows = bank_returns.listed(session, before=int(place[0]) if place else None, limit=limit + 1)
        return pages.page(key, rows, limit, lambda one: [one.return_id], return_view)


@blueprint.route("/bank-returns", methods=["POST"])
@blueprint.arguments(BankReturnRequest)
@blueprint.response(201, BankReturnView)
@blueprint.doc(**IDEMPOTENT)
@needs("payouts:files")
def take_return(asked: dict[str, Any]) -> Response:
    """Take in what a bank says became of its lines; rows that do not fit are named. Needs Idempotency-Key."""
    runs.for_all_areas(current())
    with tempfile.TemporaryDirectory(prefix="jifen-") as folder, database.begin() as session:
        path = Path(folder) / "bank-return.csv"
        path.write_bytes(_bytes(asked["content"]))

        def effect() -> tuple[int, Any]:
            taken = bank_returns.take(session, path, asked["template"], current().actor, clock.now())
            return 201, taken_view(taken)

        return answer_once(session, NO_MEMBER, asked, effect)


# ---- Stripe


@blueprint.route("/stripe/connect-events", methods=["POST"])
@blueprint.response(200, StripeTakenView)
@blueprint.doc(**NO_SIGN_IN)
@open_to_all
def connect_event() -> dict[str, Any]:
    """Stripe's webhook endpoint for merchants' accounts: the signature over the raw body says who asks. Safe to repeat."""
    at = clock.now()
    raw, signature = request.get_data(cache=False), request.headers.get("Stripe-Signature")
    told = stripe.told_of(config().stripe_connect_secret, raw, signature, at)
    with database.begin() as session:
        events.take(session, told, at)
    return {"received": True}


def _place(row: Payout) -> list[int]:
    return [row.merchant_id, row.statement_no]


def _bytes(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise field_errors({"content": "is not base64"}) from None
