"""A replay: what a proposed change would have done, in figures, tables and one chart; and the button that asks for one."""

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from admin.console.approvals import pages as approval_pages
from admin.console.http import page
from admin.console.replays import chart, words
from admin.console.words import HEAPS
from admin.replay import asking, runs
from base import clock, database, idempotency
from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER
from base.approvals.models import Proposal
from base.auth.guard import current, needs
from base.errors import field_errors

blueprint = Blueprint("replays", __name__)


@blueprint.route("/replays", methods=["POST"])
@needs(asking.RUNS)
def ask() -> ResponseReturnValue:
    """Have a proposal replayed, and go to the replay."""
    number, months = approvals.parse(request.form.get("proposal", "")), request.form.get("months", "")
    if months not in map(str, range(1, runs.MOST_MONTHS + 1)):
        raise field_errors({"months": f"must be from 1 to {runs.MOST_MONTHS}"})
    key = idempotency.checked(request.form.get("key"))
    asked = {"page": request.path, "form": {k: v for k, v in request.form.items() if k != "csrf_token"}}
    with database.begin() as session:
        answer = idempotency.once(
            session,
            NO_MEMBER,
            current().actor,
            key,
            asked,
            lambda: (
                303,
                runs.reference(asking.ask(session, current(), number, int(months), clock.now()).replay_id),
            ),
        )
    return redirect(f"/staff/replays/{answer.body}", 303)


@blueprint.route("/replays/<replay>")
@needs(asking.READS)
def one(replay: str) -> ResponseReturnValue:
    """A replay: how far it is, then its report."""
    with database.begin() as session:
        run = asking.find(session, current(), runs.parse(replay))
        proposal = session.get_one(Proposal, run.proposal_id)
    told = run.report
    return page(
        "console/replay.html",
        run=run,
        proposal_href=approval_pages.url_of(proposal.kind, proposal.proposal_id)
        if proposal.kind in approval_pages.KINDS
        else None,
        told=told,
        chart=chart.of_mix(told["mix"]) if told and "mix" in told else None,
        frame=chart,
        words=words,
        heaps=HEAPS,
    )
