"""Proof of services: ask for one, log, survey and sampled check beside each other, and what was answered."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import uuid4

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.care import occasions
from admin.console.http import PAGE, chosen, cut, once, page, position
from admin.console.proofs import words
from admin.console.sheets import http as sheets
from admin.console.tickets.pages import once as once_for
from admin.proofs import proofs
from admin.proofs.models import ProofRun, ProofSample
from base import clock, database, ids
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.errors import field_errors
from base.http.settings import config
from base.web.i18n import both
from catalog.offers import offers
from catalog.offers.models import HISTORY, LIVE
from points import programmes
from points.members import areas
from points.members.models import Member
from points.models import Programme

MOST_CHOICES = 300
COLUMNS = (
    "proof",
    "service",
    "month",
    "area",
    "seed",
    "thing",
    "at",
    "rated",
    "answer",
    "verified_at",
    "has_proof",
)
LIST_COLUMNS = ("proof", "service", "name", "month", "area", "claimed", "recorded", "rated", "drawn", "confirmed", "findings")  # fmt: skip
blueprint = Blueprint("proofs", __name__)


@blueprint.route("/care/proofs")
@needs(proofs.READS)
def proof_list() -> ResponseReturnValue:
    """Proofs of areas within one's own, the newest first; and the form that asks for one."""
    person, at = _person(), clock.now()
    with database.begin() as session:
        choice = chosen(session)
        programme = choice["programme"]
        if programme is None:
            return page("console/proofs.html", rows=[], words=words, **choice)
        if sheets.is_asked():
            every = _rows(session, proofs.listed(session, person, programme, limit=sheets.MOST))
            return sheets.of_list(session, f"{programme.code}-proofs", LIST_COLUMNS, map(_list_line, every))
        place = position("proofs")
        before = int(place[0]) if place else None
        found = proofs.listed(session, person, programme, before=before, limit=PAGE + 1)
        rows, after = cut("proofs", found, lambda row: [row.run_id])
        return page(
            "console/proofs.html",
            rows=_rows(session, rows),
            after=after,
            as_file=bool(rows),
            services=_services(session, programme),
            month=f"{clock.day(at, programme.zone):%Y-%m}",
            most=proofs.MOST,
            may_ask=proofs.CHECKS in person.permissions,
            key=uuid4(),
            words=words,
            **choice,
        )


@blueprint.route("/care/proofs", methods=["POST"])
@needs(proofs.CHECKS)
def ask() -> ResponseReturnValue:
    """Have a service of a month read and a sample drawn."""
    person, form = _person(), request.form
    month, size, seed = _month(), _number("size"), form.get("seed", "").strip()
    area = areas.own(person.area, form.get("area", "").strip() or None)

    def effect(session: Session) -> str:
        programme = programmes.by_code(session, form.get("programme", ""))
        drawn_by = _number("seed") if seed else None
        service = form.get("service", "")
        return proofs.reference(
            proofs.ask(session, person, programme, service, month, area, size, clock.now(), drawn_by)
        )

    return redirect(url_for(".one_proof", proof=once(effect)), 303)


@blueprint.route("/care/proofs/<proof>")
@needs(proofs.READS)
def one_proof(proof: str) -> ResponseReturnValue:
    """The three ways beside each other, and the sample; with ?csv=1 as a file."""
    person = _person()
    with database.begin() as session:
        row = proofs.find(session, person, _run(proof))
        sample = proofs.samples(session, person, row.run_id)
        if sheets.is_asked():
            return sheets.of_list(
                session, f"proof-{row.month:%Y-%m}", COLUMNS, [_line(row, one) for one in sample]
            )
        check = proofs.checks(session, [row.run_id])[row.run_id]
        return page(
            "console/proof.html",
            id=proof,
            row=row,
            names=proofs.service_names(session, row, clock.now()),
            area_name=(both(areas.full_name(session, row.area)) or row.area) if row.area else "",
            check=check,
            flags=proofs.flags(row, check),
            sample=[_shown(session, one) for one in sample],
            answers=proofs.ANSWERS,
            may_check=proofs.CHECKS in person.permissions,
            words=words,
            key=uuid4(),
        )


@blueprint.route("/care/proofs/<proof>/samples/<thing>", methods=["POST"])
@needs(proofs.CHECKS)
def verify(proof: str, thing: str) -> ResponseReturnValue:
    """What the member answered about one of the sample."""
    person, form = _person(), request.form
    member_id, thing_id = ids.parse("smp", thing, unknown=proofs.ProofUnknown)
    key = (member_id, _run(proof), thing_id)
    with database.begin() as session:

        def effect() -> tuple[int, Any]:
            answer, note = form.get("answer", ""), form.get("note", "")
            proofs.verify(session, config(), person, key, answer, note, clock.now())
            return 303, None

        once_for(session, member_id, effect)
    return redirect(url_for(".one_proof", proof=proof), 303)


def _rows(session: Session, rows: Sequence[ProofRun]) -> list[dict[str, Any]]:
    checks, at = proofs.checks(session, [row.run_id for row in rows]), clock.now()
    return [
        {
            "id": proofs.reference(row),
            "row": row,
            "names": proofs.service_names(session, row, at),
            "check": checks[row.run_id],
            "flags": proofs.flags(row, checks[row.run_id]),
        }
        for row in rows
    ]


def _list_line(one: dict[str, Any]) -> Sequence[Any]:
    row, check = one["row"], one["check"]
    log, survey = row.log or {}, row.survey or {}
    return (
        one["id"], row.service, both(one["names"]), f"{row.month:%Y-%m}", row.area, log.get("claimed"), log.get("recorded"),
        survey.get("rated"), check.drawn, check.answers[proofs.CONFIRMED], " ".join(one["flags"]),
    )  # fmt: skip


def _services(session: Session, programme: Programme) -> list[tuple[str, str]]:
    """What may be proved: occasions of care, then the offers that are live."""
    found = [(f"care:{code}", both(names)) for code, names in occasions.OCCASIONS.items()]
    listed = offers.listed(session, programme.programme_id, clock.now(), limit=MOST_CHOICES)
    live = [one.offer for one in listed if one.state == LIVE and one.offer.kind != HISTORY]
    return found + [(f"offer:{offer.offer_id}", both(offer.names)) for offer in live]


def _shown(session: Session, one: ProofSample) -> dict[str, Any]:
    member = session.get(Member, one.member_id)
    assert member is not None
    return {
        "id": ids.public("smp", one.member_id, one.thing_id),
        "one": one,
        "customer_id": member.customer_id,
        "member_ref": ids.public("mbr", one.member_id),
        "note": proofs.note_of(session, config(), one),
        "has_proof": proofs.has_proof(one),
    }


def _line(row: ProofRun, one: ProofSample) -> list[Any]:
    return [
        proofs.reference(row),
        row.service,
        f"{row.month:%Y-%m}",
        row.area,
        row.seed,
        ids.public("smp", one.member_id, one.thing_id),
        one.happened_at.isoformat(),
        int(one.rated),
        one.answer,
        one.verified_at.isoformat() if one.verified_at else None,
        int(proofs.has_proof(one)),
    ]


def _month() -> date:
    try:
        return date.fromisoformat(f"{request.form.get('month', '')}-01")
    except ValueError:
        raise field_errors({"month": "a month: YYYY-MM"}) from None


def _number(name: str) -> int:
    typed = request.form.get(name, "").strip()
    if not (typed.isascii() and typed.isdigit() and len(typed) < 19):
        raise field_errors({name: "a number without sign"})
    return int(typed)


def _run(proof: str) -> int:
    (run_id,) = ids.parse("prf", proof, parts=1, unknown=proofs.ProofUnknown)
    return run_id


def _person() -> Staff:
    person = current()
    assert isinstance(person, Staff)
    return person
