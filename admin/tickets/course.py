"""The course of a ticket, pure: what each deed makes of where it stands, and what it refuses. `verify` replays by it.

Received, assigned, in work, answered, called back, closed. Who takes a ticket first has it to the end; only a lead hands it
over. After the answer the member is called within 48 hours, three times at most and an hour apart, then it is filed as not
reached. The member may take it up again once, within seven days of the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from base.errors import Conflict, NotAllowed

RECEIVED, ASSIGNED, IN_WORK, ANSWERED, CALLED_BACK, CLOSED = STAGES = (
    "received", "assigned", "in-work", "answered", "called-back", "closed",
)  # fmt: skip
# What may be done; OPENED is the first step of each.
OPENED, TAKEN, STARTED, ANSWER, REACHED, MISSED, DONE, HANDED, CLIMBED, REOPENED, SHELVED = DEEDS = (
    "opened", "taken", "started", "answered", "reached", "missed", "closed", "handed-over", "climbed", "reopened", "shelved",
)  # fmt: skip
CALL_WITHIN = timedelta(hours=48)
MOST_TRIES, TRIES_APART = 3, timedelta(hours=1)
REOPEN_WITHIN = timedelta(days=7)
CLIMBS_EVERY = timedelta(hours=24)
TOP = 4  # levels: 0 its owner, 1 the lead, 2 the city, 3 the province, 4 headquarters


class TicketTaken(Conflict):
    """Somebody else has this ticket already."""

    zh = "该工单已由其他人员受理。"
    next_en, next_zh = (
        "Take another one; who took it first has it to the end.",
        "请受理其他工单；首位受理人负责到底。",
    )


class NotYourTicket(NotAllowed):
    """Only the person who has this ticket works on it."""

    zh = "只有该工单的受理人可以处理。"
    next_en, next_zh = "Take it first, or ask the lead to hand it over.", "请先受理，或请负责人转派。"


class TicketElsewhere(Conflict):
    """This ticket is at another stage."""

    zh = "该工单处于其他环节，不能这样操作。"
    next_en, next_zh = "Look at the ticket again, then decide.", "请刷新工单后再操作。"


class CallBackTooSoon(Conflict):
    """The last try to call the member is less than an hour ago."""

    zh = "距上次回访不足一小时。"
    next_en, next_zh = "Try again at the named time.", "请在所示时间之后再联系。"


class CallBacksUsedUp(Conflict):
    """The member was called three times: the ticket is filed as not reached."""

    zh = "已回访三次未接通，工单已按“未联系上”归档。"
    next_en, next_zh = (
        "Nothing is left to do; the member reads the answer and may take it up again.",
        "无需再联系；会员可查看答复，并可再次提出。",
    )


class ReopenedBefore(Conflict):
    """This request was taken up again once already."""

    zh = "该请求已再次提出过一次。"
    next_en, next_zh = "Write a fresh request; name this one in it.", "请另提一个新请求，并注明本单编号。"


class TooLateToReopen(Conflict):
    """A request can be taken up again within seven days of its answer."""

    zh = "答复后七天内才能再次提出。"
    next_en, next_zh = "Write a fresh request; name this one in it.", "请另提一个新请求，并注明本单编号。"


class NotDue(Conflict):
    """This ticket is not overdue, or has climbed to the top."""

    zh = "该工单尚未超时，或已上报至最高一级。"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a ticket stands."""

    stage: str
    owner_id: int | None
    due_at: datetime | None
    climbs_at: datetime | None
    level: int = 0
    tries: int = 0
    tried_at: datetime | None = None
    answered_at: datetime | None = None
    reopened: bool = False


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done when, by whom of the staff. `owner_id`: to whom it is handed; `due_at`: the deadline that is set."""

    did: str
    at: datetime
    person_id: int | None = None
    owner_id: int | None = None
    due_at: datetime | None = None


def opened(due_at: datetime) -> Standing:
    """A fresh ticket, to be answered by then."""
    return Standing(RECEIVED, None, due_at, due_at)


def after(now: Standing, deed: Deed) -> Standing:
    """Where a ticket stands after a deed; one of the errors above."""
    return _COURSE[deed.did](now, deed)


def _taken(now: Standing, deed: Deed) -> Standing:
    if now.stage != RECEIVED:
        raise TicketTaken() if now.owner_id != deed.person_id else TicketElsewhere(stage=now.stage)
    return replace(now, stage=ASSIGNED, owner_id=deed.person_id)


def _started(now: Standing, deed: Deed) -> Standing:
    _own(now, deed, ASSIGNED)
    return replace(now, stage=IN_WORK)


def _answered(now: Standing, deed: Deed) -> Standing:
    _own(now, deed, IN_WORK)
    by = deed.at + CALL_WITHIN
    return replace(
        now, stage=ANSWERED, due_at=by, climbs_at=by, level=0, tries=0, tried_at=None, answered_at=deed.at
    )


def _reached(now: Standing, deed: Deed) -> Standing:
    _callable(now, deed)
    return replace(now, stage=CALLED_BACK, tries=now.tries + 1, tried_at=deed.at, due_at=None, climbs_at=None)


def _missed(now: Standing, deed: Deed) -> Standing:
    _callable(now, deed)
    tried = replace(now, tries=now.tries + 1, tried_at=deed.at)
    if tried.tries < MOST_TRIES:
        return tried
    return replace(tried, stage=CLOSED, due_at=None, climbs_at=None)


def _done(now: Standing, deed: Deed) -> Standing:
    _own(now, deed, CALLED_BACK)
    return replace(now, stage=CLOSED)


def _handed(now: Standing, deed: Deed) -> Standing:
    if now.stage == CLOSED or now.owner_id == deed.owner_id:
        raise TicketElsewhere(stage=now.stage)
    return replace(now, stage=ASSIGNED if now.stage == RECEIVED else now.stage, owner_id=deed.owner_id)


def _climbed(now: Standing, deed: Deed) -> Standing:
    if now.climbs_at is None or deed.at < now.climbs_at:
        raise NotDue()
    level = now.level + 1
    return replace(now, level=level, climbs_at=deed.at + CLIMBS_EVERY if level < TOP else None)


def _reopened(now: Standing, deed: Deed) -> Standing:
    if now.reopened:
        raise ReopenedBefore()
    if now.answered_at is None or now.stage not in (ANSWERED, CALLED_BACK, CLOSED):
        raise TicketElsewhere(stage=now.stage)
    if deed.at > now.answered_at + REOPEN_WITHIN:
        raise TooLateToReopen()
    return Standing(IN_WORK, now.owner_id, deed.due_at, deed.due_at, reopened=True)


def _shelved(now: Standing, deed: Deed) -> Standing:
    if now.stage == CLOSED:
        raise TicketElsewhere(stage=now.stage)
    return replace(now, stage=CLOSED, due_at=None, climbs_at=None)


def _own(now: Standing, deed: Deed, stage: str) -> None:
    if now.owner_id != deed.person_id:
        raise NotYourTicket()
    if now.stage != stage:
        raise TicketElsewhere(stage=now.stage)


def _callable(now: Standing, deed: Deed) -> None:
    if now.owner_id == deed.person_id and now.stage == CLOSED and now.tries >= MOST_TRIES:
        raise CallBacksUsedUp()
    _own(now, deed, ANSWERED)
    if now.tried_at is not None and deed.at < now.tried_at + TRIES_APART:
        raise CallBackTooSoon(not_before=(now.tried_at + TRIES_APART).isoformat())


_COURSE: dict[str, Callable[[Standing, Deed], Standing]] = {
    TAKEN: _taken,
    STARTED: _started,
    ANSWER: _answered,
    REACHED: _reached,
    MISSED: _missed,
    DONE: _done,
    HANDED: _handed,
    CLIMBED: _climbed,
    REOPENED: _reopened,
    SHELVED: _shelved,
}
