"""A service of a month, proved three ways beside each other: the record, what members said, and a sample that is asked.

A claim without proof is flagged: what was recorded of fewer than were claimed, what nobody rated and nobody was asked about,
and what members who were asked did not confirm. Whoever did a thing does not verify it.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from admin.care.occasions import OCCASIONS
from admin.contacts import sayings
from admin.contacts.models import Contact
from admin.proofs import drawing
from admin.proofs.models import ProofRun, ProofSample
from base import audit, clock, ids, outbox
from base.approvals.approvals import NO_MEMBER
from base.auth.principals import Staff
from base.config import Config
from base.errors import Conflict, Invalid, NotAllowed, NotFound
from catalog.offers import offers
from catalog.offers.models import OfferState
from points.members import scope
from points.models import Programme

READS, CHECKS = "proof:read", "proof:check"
TASK = "proof"
MOST = 200
CONFIRMED, NOT_CONFIRMED, NO_ANSWER = ANSWERS = ("confirmed", "not-confirmed", "no-answer")
UNRECORDED, UNHEARD, CONTRADICTED, UNDER_WAY, NOTHING, PROVED = (
    "unrecorded",
    "unheard",
    "contradicted",
    "under-way",
    "nothing",
    "proved",
)


class ProofUnknown(NotFound):
    """There is no such proof."""

    zh = "没有该服务验证。"


class BadProof(Invalid):
    """A proof is of an offer or an occasion of care, in a month that has begun, with a sample of 1 to 200."""

    zh = "服务验证须选择权益或关怀场景、已开始的月份，抽样数量为 1 至 200。"


class OwnWork(NotAllowed):
    """Nobody verifies a contact of their own."""

    zh = "不能验证本人的服务记录。"
    next_en, next_zh = "Leave it to another person.", "请由他人验证。"


class AlreadyVerified(Conflict):
    """This was verified already; what was answered stays."""

    zh = "该记录已验证，结果不可修改。"


@dataclass(frozen=True)
class Check:
    """What came of the sample so far."""

    drawn: int
    answers: Counter[str]

    @property
    def open(self) -> int:
        """How many nobody was asked about yet."""
        return self.drawn - self.answers.total()


def ask(
    session: Session,
    person: Staff,
    programme: Programme,
    service: str,
    month: date,
    area: str,
    size: int,
    at: datetime,
    seed: int | None = None,
) -> ProofRun:
    """Have the worker read a service of a month and draw a sample. BadProof."""
    _check(session, programme, service, month, size, clock.day(at, programme.zone))
    row = ProofRun(
        run_id=ids.new_id(),
        programme_id=programme.programme_id,
        seed=secrets.randbits(62) if seed is None else seed,
        asked_at=at,
        month=month,
        size=size,
        service=service,
        area=area,
        asked_by=person.actor,
    )
    session.add(row)
    outbox.put(session, NO_MEMBER, TASK, {"run_id": row.run_id})
    session.flush()
    audit.write(session, person.actor, "proof.asked", reference(row), service=service, month=str(month), seed=str(row.seed))  # fmt: skip
    return row


def find(session: Session, person: Staff, run_id: int) -> ProofRun:
    """A proof of an area within the person's own; ProofUnknown."""
    row = session.get(ProofRun, run_id)
    if row is None or not row.area.startswith(person.area):
        raise ProofUnknown()
    return row


def listed(
    session: Session, person: Staff, programme: Programme, *, before: int | None = None, limit: int
) -> Sequence[ProofRun]:
    """Proofs of areas within the person's own, the newest first, from before one on."""
    asked = select(ProofRun).where(
        ProofRun.programme_id == programme.programme_id,
        ProofRun.area.startswith(person.area, autoescape=True),
    )
    if before is not None:
        asked = asked.where(ProofRun.run_id < before)
    return session.scalars(asked.order_by(ProofRun.run_id.desc()).limit(limit)).all()


def samples(session: Session, person: Staff, run_id: int) -> Sequence[ProofSample]:
    """The things that were drawn, of members whom the person may see."""
    asked = select(ProofSample).where(ProofSample.run_id == run_id)
    asked = asked.order_by(ProofSample.happened_at, ProofSample.member_id)
    return session.scalars(scope.within(person, asked, ProofSample.member_id)).all()


def checks(session: Session, run_ids: Sequence[int]) -> dict[int, Check]:
    """Run -> what came of its sample."""
    rows = session.execute(
        select(ProofSample.run_id, ProofSample.answer, func.count())
        .where(ProofSample.run_id.in_(run_ids))
        .group_by(ProofSample.run_id, ProofSample.answer)
    ).all()
    drawn, answers = Counter[int](), {run_id: Counter[str]() for run_id in run_ids}
    for run_id, answer, count in rows:
        drawn[run_id] += count
        if answer:
            answers[run_id][answer] = count
    return {run_id: Check(drawn[run_id], answers[run_id]) for run_id in run_ids}


def flags(row: ProofRun, check: Check) -> list[str]:
    """What is to be said of a proof, the worst first; PROVED alone: each way agrees with the others."""
    if row.log is None or row.survey is None:
        return [UNDER_WAY]
    if not row.log["claimed"]:
        return [NOTHING]
    found = []
    if check.answers[NOT_CONFIRMED]:
        found.append(CONTRADICTED)
    if row.log["recorded"] < row.log["claimed"]:
        found.append(UNRECORDED)
    if not row.survey["rated"] and not check.answers[CONFIRMED]:
        found.append(UNHEARD)
    return found or [PROVED]


def has_proof(one: ProofSample) -> bool:
    """Whether a drawn thing is more than a claim: the member rated it, or confirmed it."""
    return one.answer == CONFIRMED or (one.rated and one.answer != NOT_CONFIRMED)


def verify(
    session: Session,
    config: Config,
    person: Staff,
    key: tuple[int, int, int],
    answer: str,
    note: str,
    at: datetime,
) -> None:
    """Write down what a member answered, once. ProofUnknown, BadProof, OwnWork, AlreadyVerified; BadWords, PersonErased."""
    member_id, run_id, thing_id = key
    if answer not in ANSWERS:
        raise BadProof(choices=list(ANSWERS))
    row = find(session, person, run_id)
    if session.get(ProofSample, key) is None or not scope.sees(session, person, member_id):
        raise ProofUnknown()
    if _did_it(session, row, person, member_id, thing_id):
        raise OwnWork()
    bound = f"proof:{run_id}:{thing_id}"
    done = session.execute(
        update(ProofSample)
        .where(
            ProofSample.member_id == member_id,
            ProofSample.run_id == run_id,
            ProofSample.thing_id == thing_id,
            ProofSample.answer.is_(None),
        )
        .values(
            answer=answer,
            verified_by=person.staff_id,
            verified_at=at,
            note=sayings.sealed(session, config, member_id, note, bound),
        )
        .returning(ProofSample.run_id)
    ).one_or_none()
    if done is None:
        raise AlreadyVerified()
    audit.write(session, person.actor, "proof.verified", ids.public("mbr", member_id), proof=reference(row), answer=answer)  # fmt: skip


def note_of(session: Session, config: Config, one: ProofSample) -> str | None:
    """What was noted; None where nothing was, or the person was erased."""
    return sayings.opened(session, config, one.member_id, one.note, f"proof:{one.run_id}:{one.thing_id}")


def service_names(session: Session, row: ProofRun, at: datetime) -> dict[str, str]:
    """What the service is called."""
    kind, _, named = row.service.partition(":")
    if kind == drawing.CARE:
        return OCCASIONS[named]
    return offers.names_of(session, {int(named)}, at).get(int(named)) or offers.first_version(session, int(named)).names  # fmt: skip


def reference(row: ProofRun) -> str:
    """Its public id."""
    return ids.public("prf", row.run_id)


def _did_it(session: Session, row: ProofRun, person: Staff, member_id: int, thing_id: int) -> bool:
    if not row.service.startswith(f"{drawing.CARE}:"):
        return False
    contact = session.get(Contact, (member_id, thing_id))
    return contact is not None and contact.actor == person.actor


def _check(session: Session, programme: Programme, service: str, month: date, size: int, today: date) -> None:
    kind, _, named = service.partition(":")
    known = kind == drawing.CARE and named in OCCASIONS
    if kind == drawing.OFFER and named.isascii() and named.isdigit() and len(named) < 19:
        offer = session.get(OfferState, int(named))
        known = offer is not None and offer.programme_id == programme.programme_id
    wrong = {
        "service": "" if known else "is an offer of this programme or an occasion of care",
        "month": "" if month.day == 1 and month <= today else "is a month that has begun",
        "size": "" if 1 <= size <= MOST else f"is 1 to {MOST}",
    }
    if faults := {name: text for name, text in wrong.items() if text}:
        raise BadProof(
            "; ".join(f"{name}: {text}" for name, text in faults.items()),
            errors=[{"pointer": f"/{name}", "detail": text} for name, text in faults.items()],
        )
