"""The console's pages for all staff: sign in, overview, jobs. Each further topic has its own folder."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from admin.analytics import mix
from admin.console import figures
from admin.console.adjustments import pages as adjustments
from admin.console.agreements import pages as agreements
from admin.console.approvals import pages as approvals
from admin.console.books import pages as books
from admin.console.care import pages as care
from admin.console.claims import pages as claims
from admin.console.disputes import pages as disputes
from admin.console.http import chosen, page
from admin.console.looks import pages as looks
from admin.console.members import pages as members
from admin.console.merchants import pages as merchants
from admin.console.offers import pages as offers
from admin.console.partners import pages as partners
from admin.console.payouts import pages as payouts
from admin.console.replays import pages as replays
from admin.console.retention import pages as retention
from admin.console.segments import pages as segments
from admin.console.till_alerts import pages as till_alerts
from admin.console.trace import pages as trace
from admin.console.words import HEAPS, JOB_STATES
from admin.console.worth import pages as worth
from admin.staff import staff
from admin.staff.staff import StaffSignInRefused
from base import clock, database, jobs
from base.auth import cookies
from base.auth.guard import current, needs, open_to_all
from base.auth.principals import Staff
from base.errors import Problem, Unavailable
from base.http.problems import PageExpired, body_of, status_of
from base.http.settings import config
from catalog.stock import standing

SHOWN_LOW = 5

blueprint = Blueprint("console_pages", __name__, template_folder="templates", url_prefix="/staff")
for topic in (
    members,
    looks,
    segments,
    adjustments,
    approvals,
    care,
    offers,
    partners,
    agreements,
    merchants,
    payouts,
    claims,
    trace,
    till_alerts,
    disputes,
    retention,
    replays,
    worth,
    books,
):
    blueprint.register_blueprint(topic.blueprint)


@blueprint.route("/sign-in")
@open_to_all
def sign_in_form() -> ResponseReturnValue:
    """Mail address and password."""
    return page("console/sign_in.html", problem=None)


@blueprint.route("/sign-in", methods=["POST"])
@open_to_all
def sign_in() -> ResponseReturnValue:
    """Sign in and go to the overview."""
    email, password = request.form.get("email", "").strip(), request.form.get("password", "")
    if not (email.isprintable() and len(email) <= 120 and len(password) <= 200):
        raise StaffSignInRefused()
    token = staff.sign_in(email, password)
    return cookies.signed_in(
        redirect(url_for(".overview"), 303), token, "staff", secure=config().in_production
    )


@blueprint.route("/sign-out", methods=["POST"])
@open_to_all
def sign_out() -> ResponseReturnValue:
    """End the sign-in."""
    return cookies.signed_out(redirect(url_for(".sign_in_form"), 303))


@blueprint.route("")
@needs("console")
def overview() -> ResponseReturnValue:
    """What the programme looks like now."""
    at = clock.now()
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
    person = current()
    assert isinstance(person, Staff)
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
        at=at,
    )


@blueprint.route("/jobs")
@needs("console")
def job_list() -> ResponseReturnValue:
    """What waits, runs or failed in the background."""
    with database.begin() as session:
        promised = jobs.waiting(session)
        counts = jobs.counts(session)
        failed = jobs.failed(session)
    return page(
        "console/jobs.html",
        promised=promised,
        counts=counts,
        failed=failed,
        states=JOB_STATES,
        at=clock.now(),
    )


@blueprint.errorhandler(Problem)
def refused(problem: Problem) -> Response:
    """Every refusal of the console, in its frame: the sign-in form again, or what happened and what to do."""
    status = status_of(type(problem))
    body = body_of(problem, status)
    template = "console/sign_in.html" if request.path == "/staff/sign-in" else "console/refused.html"
    away = isinstance(problem, Unavailable)  # the frame itself asks the database
    answer = make_response(
        render_template("errors/503.html", problem=body) if away else page(template, problem=body), status
    )
    if problem.retry_after_s is not None:
        answer.headers["Retry-After"] = str(problem.retry_after_s)
    return answer


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> Response:
    """The page was open for too long."""
    return refused(PageExpired())
