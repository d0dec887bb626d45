"""What another system did is taken back by it, for two persons: the points go back when it certainly has, and not before.

The same course as `ordering`, on a redemption that stays `fulfilled` meanwhile: a try is noted and committed before the
call, with the promise to look again. Done: it is reversed, in the maker's name. Certainly not: the note is closed, with
the other side's words, and a later reversal may be asked for. Not known: tried again with back-off, after the last try
only looked up, each hour, and a person sees it.

`details` of a redemption: `undoing` {case, by, tries, sent, unclear?}, one at a time; `undone`, what the other side calls
that it took it back; `undo_refused` [{case, reason, sent}]. `sent`: a call may have arrived, so look before sending.
"""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from base import audit, channels, clock, database, ids, outbox, vault
from base.config import Config
from base.errors import Conflict
from catalog.redemptions import course, ordering, redemptions
from catalog.redemptions.course import By
from catalog.redemptions.models import FULFILLED, REVERSED, Redemption
from catalog.redemptions.ordering import Port, Try
from catalog.redemptions.outcomes import Done, NotFound, Outcome, Unreachable, Wrong
from points import ledger
from points.kinds import State
from points.refusals import MemberMerged

TASK = "undo_order"
UNDOING, UNDONE, REFUSED = "undoing", "undone", "undo_refused"
_ports: dict[str, Port] = {}
_off: set[str] = set()
log = structlog.get_logger()


class ReversalUnderWay(Conflict):
    """A reversal of this redemption is under way: the other system was asked to take it back."""

    zh = "该兑换的冲正正在处理中，已请求外部系统撤回。"
    next_en, next_zh = "Wait for its outcome; it is looked at by itself.", "请等待处理结果，系统会自动跟进。"


def register(kind: str, port: Port, *, on: bool) -> None:
    """Say which system takes back what it did for a kind; where it is not `on`, only what was begun before is ended."""
    _ports[kind] = port
    (_off.discard if on else _off.add)(kind)


def is_asked(redemption: Redemption) -> bool:
    """Whether another system has to take it back, and can."""
    return redemption.kind in _ports and redemption.kind not in _off and redemption.maybe_sent


def under_way(redemption: Redemption) -> dict[str, Any] | None:
    """The note of the reversal that is under way, if one is."""
    found: dict[str, Any] | None = redemption.details.get(UNDOING)
    return found


def noted(redemption: Redemption) -> dict[str, Any]:
    """The same of one that certainly has one; LookupError."""
    found: dict[str, Any] = redemption.details[UNDOING]
    return found


def is_undone(redemption: Redemption) -> bool:
    """Whether the other system has taken it back."""
    return UNDONE in redemption.details


def refused(redemption: Redemption) -> dict[str, str]:
    """Case -> why, of the reversals that came to nothing because the other system did not take it back."""
    return {each["case"]: each["reason"] for each in redemption.details.get(REFUSED, [])}


def begin(session: Session, redemption: Redemption, by: By, case: str) -> None:
    """Promise to have it taken back for a case that two persons decided: of two at once one wins, ReversalUnderWay.

    NotReversible; MemberMerged, for nothing could come back then; PersonErased, for nobody knows whose account it was.
    """
    if redemption.state != FULFILLED:
        raise redemptions.NotReversible(state=redemption.state)
    if ledger.read(session, redemption.member_id).state is State.MERGED:
        raise MemberMerged()
    if vault.is_erased(session, redemption.member_id):
        raise vault.PersonErased()
    before = redemption.details
    sent = any(each["sent"] for each in before.get(REFUSED, []))
    note = {"case": case, "by": by.actor, "tries": 0, "sent": sent}
    if UNDOING in before or not _write(session, redemption, before | {UNDOING: note}):
        raise ReversalUnderWay()
    outbox.put(session, **_promise(redemption.member_id, redemption.redemption_id))


def run(config: Config, member_id: int, redemption_id: int) -> None:
    """One step; safe to run twice and at any time."""
    with database.begin() as session:
        found = note_try(session, member_id, redemption_id)
    if found is None:
        return
    case, this = found
    outcome = ordering.ask(config, _ports[this.kind], this)
    log.info("undo_order", kind=this.kind, tries=this.number, outcome=type(outcome).__name__)
    with database.begin() as session:
        record(session, config, member_id, redemption_id, case, this, outcome)


def note_try(session: Session, member_id: int, redemption_id: int) -> tuple[str, Try] | None:
    """Count the try before it is made, with its case; None when it has ended or somebody is trying already."""
    before, kept = redemptions.find(session, member_id, redemption_id), _promise(member_id, redemption_id)
    note = under_way(before)
    if before.state != FULFILLED or note is None or outbox.promised_later(session, **kept):
        return None
    number = note["tries"] + 1
    if not _note(session, before, tries=number, sent=True):
        return None  # another worker took this try
    outbox.put(session, **kept, due_at=clock.now() + ordering.LONGEST_TRY)
    return note["case"], Try(number, note["sent"], before.kind, _ports[before.kind].order(session, before))


def record(
    session: Session,
    config: Config,
    member_id: int,
    redemption_id: int,
    case: str,
    this: Try,
    outcome: Outcome | NotFound,
) -> None:
    """What a try came to, in a transaction of its own: reversed, refused, or the next try."""
    redemption, at = redemptions.find(session, member_id, redemption_id), clock.now()
    note, kept = under_way(redemption), _promise(member_id, redemption_id)
    if redemption.state != FULFILLED or note is None:
        return
    is_last = (note["case"], note["tries"]) == (case, this.number)
    if not is_last and not isinstance(outcome, Done):
        return  # a later try is made, and knows more
    outbox.withdraw(session, **kept)
    port = _ports[redemption.kind]
    if isinstance(outcome, Done) and ledger.read(session, member_id).state is not State.MERGED:
        _reverse(session, config, port, redemption, outcome, at)
    elif ordering.certainly_not(config, this, outcome):
        _close(session, redemption, ordering.why_not(port, outcome), this.sent_before)
    else:
        wait = _wait(session, config, port, redemption, this, outcome)
        outbox.put(session, **kept, due_at=at + wait)


def _reverse(
    session: Session, config: Config, port: Port, redemption: Redemption, outcome: Done, at: datetime
) -> None:
    """It is taken back: everything is as before, by the maker of the case."""
    note, rest = noted(redemption), _without(redemption)
    if not _write(session, redemption, rest | {UNDONE: outcome.reference}):
        raise course.MovedOn(state=redemption.state)
    by = By(note["by"], channels.CONSOLE)
    course.give_back(session, redemption, REVERSED, by, at, note["case"])
    port.ended(session, config, redemption, True, None, at)


def _close(session: Session, redemption: Redemption, reason: str, sent: bool) -> None:
    """It was certainly not taken back: it stays as it was, and another reversal may be asked for."""
    note, rest = noted(redemption), _without(redemption)
    told = [*rest.get(REFUSED, []), {"case": note["case"], "reason": reason, "sent": sent}]
    if not _write(session, redemption, rest | {REFUSED: told}):
        raise course.MovedOn(state=redemption.state)
    _audit(session, redemption, "refused", note["case"])


def _wait(
    session: Session,
    config: Config,
    port: Port,
    redemption: Redemption,
    this: Try,
    outcome: Outcome | NotFound,
) -> Any:
    """How long to wait before the next look; from when on it is unclear, a person has to know."""
    if isinstance(outcome, Unreachable) and not this.sent_before:
        _note(session, redemption, sent=False)
    unclear = {Wrong: "done wrongly", Done: MemberMerged.type_name()}.get(type(outcome))
    if unclear is None and this.number > config.billing_tries:
        unclear = f"no answer from the {port.name}"
    if unclear is None:
        return ordering.back_off(config, this.number)
    if "unclear" not in noted(redemption):
        _audit(session, redemption, "unclear", noted(redemption)["case"])
    _note(session, redemption, unclear=unclear)
    return ordering.LOOK_AGAIN


def _without(redemption: Redemption) -> dict[str, Any]:
    return {name: value for name, value in redemption.details.items() if name != UNDOING}


def _note(session: Session, redemption: Redemption, **changed: Any) -> bool:
    return _write(session, redemption, redemption.details | {UNDOING: noted(redemption) | changed})


def _write(session: Session, redemption: Redemption, details: dict[str, Any]) -> bool:
    """Keep this of a redemption that is still as it was read; False when another was first."""
    written = session.scalar(
        update(Redemption)
        .where(
            Redemption.member_id == redemption.member_id,
            Redemption.redemption_id == redemption.redemption_id,
            Redemption.state == FULFILLED,
            Redemption.details == redemption.details,
        )
        .values(details=details)
        .returning(Redemption)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return written is not None


def _audit(session: Session, redemption: Redemption, what: str, case: str) -> None:
    member, subject = ids.public("mbr", redemption.member_id), course.reference(redemption)
    audit.write(session, "job", f"reversal.undo_{what}", case, member=member, redemption=subject)


def _promise(member_id: int, redemption_id: int) -> dict[str, Any]:
    args = {"member_id": member_id, "redemption_id": redemption_id}
    return {"member_id": member_id, "task": TASK, "args": args}
