"""The console's pages for all staff: overview, jobs. Each further topic has its own folder."""

from collections.abc import Callable

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from admin.analytics import liability, mix, sums
from admin.console import attention, figures
from admin.console.adjustments import pages as adjustments
from admin.console.agreements import pages as agreements
from admin.console.approvals import pages as approvals
from admin.console.audit import pages as audit
from admin.console.books import pages as books
from admin.console.campaigns import pages as campaigns
from admin.console.care import pages as care
from admin.console.claims import pages as claims
from admin.console.contacts import pages as contacts
from admin.console.disputes import pages as disputes
from admin.console.entry import pages as entry
from admin.console.freezes import pages as freezes
from admin.console.halts import pages as halts
from admin.console.http import chosen, page
from admin.console.intake import pages as intake
from admin.console.jobs import pages as jobs
from admin.console.looks import pages as looks
from admin.console.maintenance import pages as maintenance
from admin.console.members import pages as members
from admin.console.merchants import pages as merchants
from admin.console.notices import pages as notices
from admin.console.offer_drafts import pages as offer_drafts
from admin.console.offers import pages as offers
from admin.console.own import pages as own
from admin.console.partners import pages as partners
from admin.console.payouts import pages as payouts
from admin.console.people import pages as people
from admin.console.proofs import pages as proofs
from admin.console.rates import pages as rates
from admin.console.replays import pages as replays
from admin.console.resources import pages as resources
from admin.console.retention import pages as retention
from admin.console.search import pages as search
from admin.console.segments import pages as segments
from admin.console.tasks import pages as care_tasks
from admin.console.tickets import pages as tickets
from admin.console.till_alerts import pages as till_alerts
from admin.console.trace import pages as trace
from admin.console.views import pages as views
from admin.console.visits import pages as care_visits
from admin.console.why import pages as why
from admin.console.words import HEAPS
from admin.console.worth import pages as worth
from base import clock, database
from base.auth.guard import current, needs
from base.auth.principals import Halfway, Staff
from base.errors import Problem, Unavailable
from base.http.problems import PageExpired, body_of, status_of
from catalog.stock import standing

SHOWN_LOW = 5
FORMS: dict[
    str, Callable[[object], str]
] = {  # what is shown again, with the refusal, instead of a page of it
    entry.SIGN_IN: entry.entrance,
    Halfway.goes_on: entry.second_step,
    f"/staff{entry.CODES}": entry.second_step,
    "/staff/first-password": entry.first_password_page,
    f"{own.PLACE}/password": own.shown,
    f"{own.PLACE}/second-factor": own.factor_page,
}

blueprint = Blueprint("console_pages", __name__, template_folder="templates", url_prefix="/staff")
for topic in (
    members,
    why,
    looks,
    search,
    maintenance,
    halts,
    audit,
    tickets,
    contacts,
    segments,
    adjustments,
    approvals,
    campaigns,
    care,
    care_tasks,
    care_visits,
    proofs,
    resources,
    notices,
    offers,
    offer_drafts,
    rates,
    partners,
    agreements,
    merchants,
    payouts,
    claims,
    trace,
    till_alerts,
    disputes,
    freezes,
    retention,
    replays,
    worth,
    books,
    entry,
    own,
    people,
    intake,
    jobs,
    views,
):
    blueprint.register_blueprint(topic.blueprint)


@blueprint.route("")
@needs("console")
def overview() -> ResponseReturnValue:
    """What waits for somebody, and what the programme looks like now; each figure leads to its rows."""
    at, person = clock.now(), current()
    assert isinstance(person, Staff)
    with database.begin() as session:
        choice = chosen(session)
        statements, newest = figures.sealed(session)
        programme = choice["programme"]
        low = (
            standing.listed(session, programme.programme_id, at, low=True, limit=SHOWN_LOW)
            if programme
            else []
        )
        low_count = standing.low_count(session, programme.programme_id) if programme else 0
        drifted = mix.last_week(session, programme, at) if programme else []
        waiting = attention.needs(session, person, at)
        run = sums.latest(session, programme.programme_id, sums.LIABILITY) if programme else None
        liable = (
            liability.of_area(session, run, person.area)
            if run and "figures:read" in person.permissions
            else None
        )
    found = figures.of_programme(programme, at, person) if programme else None
    return page(
        "console/overview.html",
        **choice,
        figures=found,
        heaps=HEAPS,
        statements=statements,
        newest=newest,
        low_codes=[row.offer.code for row in low],
        low_count=low_count,
        drifted=[HEAPS[one.heap] for one in drifted],
        waiting=waiting,
        liable=liable,
        liable_on=run.until_day if run else None,
        at=at,
    )


@blueprint.errorhandler(Problem)
def refused(problem: Problem) -> Response:
    """Every refusal of the console, in its frame: the sign-in form again, or what happened and what to do."""
    status = status_of(type(problem))
    body = body_of(problem, status)
    answer = make_response(_refusal(problem, body), status)
    if problem.retry_after_s is not None:
        answer.headers["Retry-After"] = str(problem.retry_after_s)
    return answer


def _refusal(problem: Problem, body: object) -> str:
    if isinstance(problem, Unavailable):  # the frame itself asks the database
        return render_template("errors/503.html", problem=body)
    again = FORMS.get(request.path)
    if again is None or (again is entry.second_step and not isinstance(current(), Halfway)):
        return page("console/refused.html", problem=body)
    return again(body)


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> Response:
    """The page was open for too long."""
    return refused(PageExpired())
