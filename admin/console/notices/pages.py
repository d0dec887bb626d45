"""Messages: their texts by version with a preview, their rules, proposing a later version, trying one, and the report."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console.approvals.pages import url_of
from admin.console.http import once, page
from admin.console.notices import words
from admin.console.sheets import http as sheets
from admin.console.tickets.pages import name_of
from base import clock, database
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.errors import field_errors
from base.http.settings import config
from base.notices import examples, notices, proposals, templates, times
from base.notices.models import NoticeTemplate
from base.notices.proposals import Wanted
from base.notices.templates import MOST_TEXT, Version
from base.notices.texts import EN, KINDS, LANGUAGES, ZH
from points.members.members import PHONE

DAYS, MOST_DAYS = 7, 92
COLUMNS = ("message", "manner", "version", "text_zh", "text_en")
blueprint = Blueprint("notices", __name__)


@blueprint.route("/notices")
@needs(proposals.READS)
def kinds() -> ResponseReturnValue:
    """Every kind of message with the text in force, and when messages may go."""
    at = clock.now()
    with database.begin() as session:
        found = templates.in_force(session, KINDS, at)
        rows = [(code, kind, found[code]) for code, kind in sorted(KINDS.items())]
        if sheets.is_asked():
            lines = (
                (code, kind.manner.value, version.version, version.texts[ZH], version.texts[EN])
                for code, kind, version in rows
            )
            return sheets.of_list(session, "messages", COLUMNS, lines)
    return page(
        "console/notices.html",
        rows=rows,
        as_file=True,
        times=times,
        words=words,
        tab="kinds",
    )


@blueprint.route("/notices/report")
@needs(proposals.READS)
def report() -> ResponseReturnValue:
    """What became of the messages of some days, by day, kind and state; with ?csv=1 as a file."""
    today = clock.day(clock.now(), config().zone)
    first, last = _day("from", today - timedelta(days=DAYS - 1)), _day("until", today)
    template = request.args.get("template", "")
    if not timedelta() <= last - first < timedelta(days=MOST_DAYS):
        raise field_errors({"until": f"lies 0 to {MOST_DAYS - 1} days after the first day"})
    since, until = (clock.start_of(on, config().zone) for on in (first, last + timedelta(days=1)))
    with database.begin() as session:
        rows = [
            row
            for row in notices.by_day(session, since, until, config().zone)
            if not template or row.template == template
        ]
        if sheets.is_asked():
            return sheets.of_list(
                session, f"messages-{first}-{last}", ("day", "template", "state", "count"), rows
            )
    return page(
        "console/notices_report.html",
        rows=rows,
        sums={state: sum(row.count for row in rows if row.state == state) for state in words.STATES},
        first=first,
        last=last,
        as_file=bool(rows),
        wanted=template,
        kinds=[(code, words.NAMES[code]) for code in sorted(KINDS)],
        words=words,
        tab="report",
    )


@blueprint.route("/notices/<code>")
@needs(proposals.READS)
def one_kind(code: str) -> ResponseReturnValue:
    """The versions of a message, the latest first, each filled in with example values; proposing and trying one."""
    at, person = clock.now(), current()
    with database.begin() as session:
        rows = templates.versions(session, code)
        force = templates.in_force(session, [code], at)[code]
        return page(
            "console/notice.html",
            code=code,
            kind=KINDS[code],
            rows=[_shown(session, row) for row in rows],
            force=force,
            in_languages=LANGUAGES,
            at=at,
            times=times,
            most=MOST_TEXT,
            typed={"zh": force.texts[ZH], "en": force.texts[EN]},
            placeholders=sorted(KINDS[code].names),
            may_propose=proposals.PROPOSES in person.permissions,
            may_test=examples.TESTS in person.permissions,
            sent=request.args.get("sent") == "1",
            words=words,
            key=uuid4(),
        )


@blueprint.route("/notices/<code>/versions", methods=["POST"])
@needs(proposals.PROPOSES)
def propose(code: str) -> ResponseReturnValue:
    """Propose later texts; another person approves them."""
    form = request.form
    texts = {ZH: form.get("zh", "").strip(), EN: form.get("en", "").strip()}

    def effect(session: Session) -> str:
        wanted = Wanted(code, texts, form.get("reason", ""))
        case = proposals.propose(session, current(), wanted, clock.now())
        return url_of(proposals.KIND, case.proposal.proposal_id)

    return redirect(once(effect), 303)


@blueprint.route("/notices/<code>/tests", methods=["POST"])
@needs(examples.TESTS)
def test_send(code: str) -> ResponseReturnValue:
    """Send the text in force, with example values, to a number that the person types: the own one."""
    person = current()
    assert isinstance(person, Staff)
    phone, language = request.form.get("phone", "").strip(), request.form.get("language", ZH)
    if not PHONE.fullmatch(phone):
        raise field_errors({"phone": "is a phone number of 5 to 15 ASCII digits"})
    if language not in LANGUAGES:
        raise field_errors({"language": f"is one of {', '.join(LANGUAGES)}"})
    once(lambda session: _sent(session, person, code, phone, language))
    return redirect(url_for(".one_kind", code=code, sent="1"), 303)


def _sent(session: Session, person: Staff, code: str, phone: str, language: str) -> None:
    examples.send(session, config(), person, code, phone, language, clock.now())


def _shown(session: Session, row: NoticeTemplate) -> dict[str, Any]:
    version = Version(row.code, row.version, row.texts)
    return {
        "row": row,
        "by": name_of(session, row.actor) or row.actor,
        "filled": {language: examples.filled(version, language) for language in LANGUAGES},
    }


def _day(name: str, otherwise: date) -> date:
    typed = request.args.get(name, "").strip()
    try:
        return date.fromisoformat(typed) if typed else otherwise
    except ValueError:
        raise field_errors({name: "a day: YYYY-MM-DD"}) from None
