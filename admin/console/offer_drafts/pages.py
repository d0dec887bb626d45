"""Drafts of offers in the console: where one starts, its five steps one page each, what members would see, its proposal."""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy.orm import Session

from admin.console import words
from admin.console.approvals.offers import compared
from admin.console.approvals.pages import url_of
from admin.console.http import PAGE, chosen, cut, once, page, position
from admin.console.offer_drafts import choices, listing, parts, starting, told, typed
from admin.console.offer_drafts.listing import PLACE
from admin.console.offer_drafts.parts import Part
from admin.console.offer_drafts.typed import Values
from admin.console.sheets import http as sheets
from admin.staff.models import StaffRow
from base import clock, database, ids
from base.auth.guard import current, needs
from base.auth.principals import Staff
from base.errors import Conflict, Invalid, NotAllowed, Problem
from base.http.problems import body_of, status_of
from base.web import formats
from base.web.i18n import gettext as _
from base.web.i18n import speaking
from catalog.offers import offers
from catalog.offers.models import OfferState
from catalog.pictures import pictures
from catalog.publishing import contents, drafts, preview, proposals, showing
from catalog.publishing.classes import CLASSES
from catalog.publishing.models import OfferDraft
from catalog.publishing.schemas.requests import ContentField
from catalog.publishing.steps import CONTENT, STEPS
from catalog.publishing.wording import LANGUAGES
from catalog.rates import rates
from points import programmes
from points.models import Programme

blueprint = Blueprint("offer_drafts", __name__)


@blueprint.route("/offer-drafts")
@needs(proposals.READS)
def draft_list() -> ResponseReturnValue:
    """Drafts, newest first: one's own, or everybody's."""
    place, at, person = position("offer-drafts"), clock.now(), current()
    everybody = request.args.get("whose") == "all"
    mine = person.staff_id if isinstance(person, Staff) and not everybody else None
    with database.begin() as session:
        if sheets.is_asked():
            every = drafts.listed(session, maker_id=mine, limit=sheets.MOST)
            return sheets.of_list(session, "offer-drafts", listing.COLUMNS, listing.lines(session, every, at))
        found = drafts.listed(session, before=int(place[0]) if place else None, maker_id=mine, limit=PAGE + 1)
        rows, after = cut("offer-drafts", found, lambda row: [row.draft_id])
        told_of = [listing.shown(session, row, at) for row in rows]
        names = listing.makers(session, rows)
    return page("console/offer_drafts/list.html", rows=told_of, names=names, everybody=everybody, after=after, as_file=bool(rows), words=words, may_write=proposals.PROPOSES in person.permissions)  # fmt: skip


@blueprint.route("/offer-drafts/new")
@needs(proposals.PROPOSES)
def start() -> ResponseReturnValue:
    """The cards of all kinds, each with what it is for; with ?version= a copy of that version under another code."""
    return _start()


@blueprint.route("/offer-drafts", methods=["POST"])
@needs(proposals.PROPOSES)
def begin() -> ResponseReturnValue:
    """Begin a draft: of a kind, as a copy of a version, or as a further version of an offer (maybe an earlier one again)."""
    try:
        return redirect(f"{PLACE}/{once(_begun)}/{CONTENT}", 303)
    except (Invalid, drafts.OfferCodeTaken) as problem:
        if request.form.get("offer"):
            raise
        return make_response(_start(problem), status_of(type(problem)))


@blueprint.route("/offer-drafts/<draft>")
@needs(proposals.READS)
def overview(draft: str) -> ResponseReturnValue:
    """A draft with its five steps, what looks dear, and the way to its proposal."""
    return _overview(draft)


@blueprint.route("/offer-drafts/<draft>/<any(content,rules,resource,stock,cost):step>")
@needs(proposals.PROPOSES)
def edit(draft: str, step: str) -> ResponseReturnValue:
    """One step's fields; with ?check=1 what is missing is said at them."""
    with database.begin() as session:
        row = drafts.find(session, number_of(draft))
        person = current()
        if not isinstance(person, Staff) or row.maker_id != person.staff_id:
            return redirect(f"{PLACE}/{draft}", 303)
        return _editor(session, row, step, check=bool(request.args.get("check")))


@blueprint.route("/offer-drafts/<draft>/<any(content,rules,resource,stock,cost):step>", methods=["POST"])
@needs(proposals.PROPOSES)
def save(draft: str, step: str) -> ResponseReturnValue:
    """Save a step; on to the next one where nothing is missing in it. What somebody saved meanwhile is shown beside it."""
    number, seen = number_of(draft), _revision()

    def effect(session: Session) -> bool:
        row = drafts.find(session, number)
        changes, wrong = _typed(session, row, step)
        if wrong:
            raise _Refused(wrong)
        changed = drafts.edit(session, current(), number, seen, _with_picture(session, changes), clock.now())
        return _told(session, changed)[step].is_done

    try:
        done = once(effect)
    except _Refused as refused:
        return _again(number, step, 422, wrong=refused.wrong)
    except (drafts.DraftChanged, drafts.DraftOfAnother, pictures.PictureKindUnknown, pictures.PictureTooLarge) as problem:  # fmt: skip
        return _again(number, step, status_of(type(problem)), problem=problem)
    if not done:
        return redirect(f"{PLACE}/{draft}/{step}?check=1", 303)
    after = STEPS.index(step) + 1
    return redirect(f"{PLACE}/{draft}/{STEPS[after]}" if after < len(STEPS) else f"{PLACE}/{draft}", 303)


@blueprint.route("/offer-drafts/<draft>/<any(content,rules,resource,stock,cost):step>/preview", methods=["POST"])  # fmt: skip
@needs(proposals.PROPOSES)
def look(draft: str, step: str) -> ResponseReturnValue:
    """What members would see with what is typed now; nothing is kept."""
    with database.begin() as session:
        row = drafts.find(session, number_of(draft))
        changes, wrong = _typed(session, row, step)
        kept = {root: value for root, value in changes.items() if not _says(wrong, root)}
        return _aside(session, row, row.content | kept)


@blueprint.route("/offer-drafts/<draft>/propose", methods=["POST"])
@needs(proposals.PROPOSES)
def propose(draft: str) -> ResponseReturnValue:
    """Propose it as it was read; another person decides."""

    def effect(session: Session) -> str:
        _row, case = proposals.propose(session, current(), number_of(draft), _revision(), clock.now())
        return url_of(proposals.KIND, case.proposal.proposal_id)

    try:
        return redirect(once(effect), 303)
    except (Invalid, Conflict) as problem:
        return make_response(_overview(draft, problem), status_of(type(problem)))


@blueprint.route("/offer-drafts/<draft>/discard", methods=["POST"])
@needs(proposals.PROPOSES)
def discard(draft: str) -> ResponseReturnValue:
    """Throw it away."""

    def effect(session: Session) -> None:
        drafts.discard(session, current(), number_of(draft), _revision(), clock.now())

    try:
        once(effect)
    except (Conflict, NotAllowed) as problem:
        return make_response(_overview(draft, problem), status_of(type(problem)))
    return redirect(PLACE, 303)


def number_of(draft: str) -> int:
    """The draft of a public id; NotFound when it is none."""
    return int(ids.parse("drf", draft, parts=1)[0])


class _Refused(Exception):
    """Something typed cannot be read; nothing is saved."""

    def __init__(self, wrong: dict[str, str]) -> None:
        super().__init__()
        self.wrong = wrong


def _revision() -> int:
    said = request.form.get("revision", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0


def _start(problem: Problem | None = None) -> str:
    said = request.form if request.method == "POST" else request.args
    with database.begin() as session:
        choice, copied = chosen(session), None
        if said.get("version"):
            copied = offers.version(session, ids.parse("ofv", said["version"], parts=1)[0])
        every = programmes.every(session)
    return page(
        "console/offer_drafts/new.html",
        **choice,
        every=[(one.code, one.names) for one in every],
        starts=starting.STARTS,
        copied=copied,
        typed=said,
        problem=problem,
        key=uuid.uuid4(),
        words=words,
    )


def _begun(session: Session) -> str:
    said, person = request.form, current()
    if said.get("offer"):
        (offer_id,) = ids.parse("off", said["offer"], parts=1)
        version = ids.parse("ofv", said["version"], parts=1)[0] if said.get("version") else None
        return drafts.reference(drafts.begin_from(session, person, offer_id, version).draft_id)
    code = said.get("code", "").strip()
    if said.get("version"):
        copied = offers.version(session, ids.parse("ofv", said["version"], parts=1)[0])
        programme = programmes.by_id(session, copied.programme_id)
        content = contents.document_of(session, copied, programme) | {"from_at": None}
        return drafts.reference(drafts.begin(session, person, programme.code, copied.kind, code, content).draft_id)  # fmt: skip
    kind = said.get("kind", "")
    if kind not in starting.STARTS:
        raise Invalid(_("Choose what kind of offer it is."), field="kind")
    made = drafts.begin(session, person, said.get("programme", ""), kind, code, starting.STARTS[kind].content)
    return drafts.reference(made.draft_id)


def _told(session: Session, row: OfferDraft) -> dict[str, told.Told]:
    return told.of(drafts.check(session, row, clock.now()), row.kind, is_new=row.offer_id is None)


def _fields(row: OfferDraft, step: str) -> list[Part]:
    return parts.of(step, row.kind, is_new=row.offer_id is None)


def _typed(session: Session, row: OfferDraft, step: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What the form changes, and what in it cannot be kept, by field."""
    zone = programmes.by_id(session, row.programme_id).zone
    changes, wrong = typed.read(row.kind, _fields(row, step), _values(), row.content, zone)
    said = {name: value for name, value in changes.items() if value is not None}
    for name, found in ContentField().validate(said).items():
        wrong.setdefault(_path(name, found), _("This cannot be kept: too long, out of its range, or not plain text."))  # fmt: skip
    return changes, wrong


def _path(name: str, found: Any) -> str:
    """The field of a refused value: {"en": {"value": [...]}} of names is names.en."""
    inner = next(iter(found), None) if isinstance(found, Mapping) else None
    return f"{name}.{inner}" if isinstance(inner, str) and inner != "_schema" else name


def _says(wrong: dict[str, str], root: str) -> bool:
    return any(path.split(".")[0] == root for path in wrong)


def _values() -> Values:
    return {name: values for name, values in request.form.lists() if name != "csrf_token"}


def _with_picture(session: Session, changes: dict[str, Any]) -> dict[str, Any]:
    """The changes, and the picture that was sent along."""
    sent = request.files.get("picture")
    content = sent.read(pictures.MOST_BYTES + 1) if sent and sent.filename else b""
    if not content:
        return changes
    person = current()
    assert isinstance(person, Staff)
    name = pictures.add(session, person, content).digest.hex()
    kept = [one for one in changes.get("pictures") or [] if one != name]
    return changes | {"pictures": [*kept, name]}


def _again(number: int, step: str, status: int, *, wrong: dict[str, str] | None = None, problem: Problem | None = None) -> ResponseReturnValue:  # fmt: skip
    """The step with what was typed, what cannot be read, and what the draft says by now where that is something else."""
    with database.begin() as session:
        row = drafts.find(session, number)
        return make_response(_editor(session, row, step, wrong=wrong or {}, problem=problem), status)


def _editor(session: Session, row: OfferDraft, step: str, *, check: bool = False, wrong: dict[str, str] | None = None, problem: Problem | None = None) -> str:  # fmt: skip
    at, programme = clock.now(), programmes.by_id(session, row.programme_id)
    fields, refused = _fields(row, step), wrong is not None
    values = _values() if refused else typed.shown(fields, row.content, programme.zone)
    found = _told(session, row)
    newer = []
    content = row.content
    if isinstance(problem, drafts.DraftChanged):
        changes, _wrong = typed.read(row.kind, fields, values, row.content, programme.zone)
        newer = [line for line in compared(row.content, row.content | changes) if line.differs]
        content = row.content | changes
    shown = showing.shown(session, row, at)
    return page(
        "console/offer_drafts/step.html",
        programme=programme,
        row=row,
        life=shown.life,
        id=drafts.reference(row.draft_id),
        step=step,
        steps=_bar(row, found),
        groups=parts.groups(step, row.kind, is_new=row.offer_id is None),
        values=values,
        rows={part.path: typed.rows(part, values) for part in fields if part.type == parts.ROWS},
        wrong=(wrong or {}) if refused else found[step].by_field if check else {},
        others=found[step].others if check else [],
        saved=check,
        problem=problem and body_of(problem, status_of(type(problem))),
        newer=newer,
        choices=choices.of(session, current(), programme, row.kind, content, at),
        aside=Markup(_aside(session, row, content)),
        key=uuid.uuid4(),
        words=words,
    )


def _bar(row: OfferDraft, found: dict[str, told.Told]) -> list[dict[str, Any]]:
    place = f"{PLACE}/{drafts.reference(row.draft_id)}"
    return [
        {
            "name": name,
            "label": parts.STEP_NAMES[name],
            "done": found[name].is_done,
            "href": f"{place}/{name}",
        }
        for name in STEPS
    ]


def _aside(session: Session, row: OfferDraft, content: dict[str, Any]) -> str:
    """What it comes to, and two phones that show it."""
    at, programme = clock.now(), programmes.by_id(session, row.programme_id)
    shown = preview.of(session, programme, row.kind, content, at, offer_id=row.offer_id)
    return render_template("console/offer_drafts/_aside.html", shown=shown, programme=programme, phones=_phones(shown, programme))  # fmt: skip


def _phones(shown: preview.Preview, programme: Programme) -> dict[str, Markup]:
    """The offer's page as members read it, in each language, by the templates of their own pages."""
    found = {}
    for language in LANGUAGES:
        with speaking(language), formats.calling(programme.unit):
            told_there = render_template("console/offer_drafts/_phone.html", shown=shown, programme=programme)
        found[language] = Markup(told_there)
    return found


def _overview(draft: str, problem: Problem | None = None) -> str:
    at, person = clock.now(), current()
    with database.begin() as session:
        row = drafts.find(session, number_of(draft))
        shown, found = showing.shown(session, row, at), _told(session, row)
        programme = programmes.by_id(session, row.programme_id)
        content = proposals.seen_by(session, person, row.content)
        last = drafts.versions_of(session, row.offer_id)[-1] if row.offer_id is not None else None
        before = contents.document_of(session, last, programme) if last else None
        maker, of = (
            session.get(StaffRow, row.maker_id),
            session.get(OfferState, row.offer_id) if row.offer_id else None,
        )
        book = rates.load(session, programme.programme_id, clock.day(at, programme.zone))
        aside = _aside(session, row, row.content)
    own = isinstance(person, Staff) and row.maker_id == person.staff_id
    open_ = shown.life in ("draft", "in_review")
    return page(
        "console/offer_drafts/one.html",
        programme=programme,
        row=row,
        id=draft,
        shown=shown,
        steps=_bar(row, found),
        found=found,
        lines=compared(before, content),
        named=CLASSES.get(content.get("approval_class") or "basic"),
        credit_per_100=rates.worth(book, 100),
        maker=maker.name if maker else "",
        offer=of and ids.public("off", of.offer_id),
        proposal=url_of(proposals.KIND, row.proposal_id) if row.proposal_id else None,
        aside=Markup(aside),
        may_edit=own and open_ and proposals.PROPOSES in person.permissions,
        may_propose=own and shown.life == "draft" and all(one.is_done for one in found.values()),
        problem=problem and body_of(problem, status_of(type(problem))),
        faults=(problem.facts.get("errors") or []) if problem else [],
        key=uuid.uuid4(),
        words=words,
        at=at,
    )  # fmt: skip
