"""A replay from the asking to the report: members in parts, each part one transaction with the run's own sums.

A run that was broken off goes on with the part it was in. Asked for twice, of the same content over the same days, it is
the same run.
"""

from calendar import monthrange
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.replay import counting, earning, reading, segments, telling
from admin.replay.changes import EARN_RULE
from admin.replay.counting import Window
from admin.replay.models import DONE, RUNNING, WAITING, ReplayRun
from admin.replay.reading import Draft
from base import clock, ids
from base.approvals.models import Proposal
from base.errors import Invalid, NotFound
from points.members.models import MemberFacts

MONTHS, MOST_MONTHS = 3, 12
PART = 10_000
LAST = 2**63 - 1
NO_TERMS = (0, 1)


class ReplayUnknown(NotFound):
    """There is no such replay."""

    zh = "没有该回放。"


class BadMonths(Invalid):
    """A replay looks back over 1 to 12 months."""

    zh = "回放的月数应为 1 到 12。"


def begin(session: Session, proposal: Proposal, months: int, at: datetime, asked_by: str) -> ReplayRun:
    """The replay of a proposal's content over the months before the present day; NotReplayed, BadMonths."""
    if not 1 <= months <= MOST_MONTHS:
        raise BadMonths(field="months")
    programme = reading.programme_of(session, proposal)
    from_day, until_day = days_before(clock.day(at, programme.zone), months)
    place = {
        "proposal_id": proposal.proposal_id,
        "content_hash": proposal.content_hash,
        "months": months,
        "until_day": until_day,
    }
    session.execute(
        insert(ReplayRun)
        .values(
            **place,
            replay_id=ids.new_id(),
            programme_id=programme.programme_id,
            from_day=from_day,
            asked_at=at,
            asked_by=asked_by,
            ends=[],
            state=WAITING,
            sums={},
        )
        .on_conflict_do_nothing(index_elements=list(place))
    )
    same = (getattr(ReplayRun, name) == value for name, value in place.items())
    return session.scalars(select(ReplayRun).where(*same)).one()


def days_before(today: date, months: int) -> tuple[date, date]:
    """The whole days of so many months up to yesterday: the first and the last one."""
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    first = date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))
    return first, today - timedelta(days=1)


def divided(session: Session, replay_id: int) -> ReplayRun:
    """A run, locked, with its parts; asking for it does not wait for that, for there may be many members."""
    locked = select(ReplayRun).where(ReplayRun.replay_id == replay_id).with_for_update()
    run = session.scalar(locked.execution_options(populate_existing=True))
    if run is None:
        raise ReplayUnknown()
    if not run.ends:
        run.ends = parts(session, run.programme_id)
        session.flush()
    return run


def parts(session: Session, programme_id: int) -> list[int]:
    """The last member of each part; the last part has no end, so that whoever joins meanwhile lies in it."""
    numbered = (
        select(MemberFacts.member_id, func.row_number().over(order_by=MemberFacts.member_id).label("nth"))
        .where(MemberFacts.programme_id == programme_id)
        .subquery()
    )
    asked = select(numbered.c.member_id).where(numbered.c.nth % PART == 0).order_by(numbered.c.member_id)
    return [*session.scalars(asked), LAST]


def step(session: Session, replay_id: int) -> ReplayRun:
    """Do the next part, and after the last one write the report; a run that is done stays as it is. ReplayUnknown.

    StillRunning: another process is at it.
    """
    run = divided(session, replay_id)
    if run.state == DONE:
        return run
    at, low = clock.now(), run.ends[run.parts_done - 1] if run.parts_done else 0
    draft = reading.read(session, session.get_one(Proposal, run.proposal_id))
    window = Window(
        run.programme_id, draft.programme.zone, run.from_day, run.until_day, low, run.ends[run.parts_done]
    )
    sums = segments.merged(run.sums, _sums(session, draft, window))
    is_last = run.parts_done + 1 == len(run.ends)
    report = telling.report(session, run, draft, sums) if is_last else None
    # written at once, for the database asks that they fit together
    run.began_at, run.ended_at = run.began_at or at, at if is_last else None
    run.state, run.report, run.sums = DONE if is_last else RUNNING, report, sums
    run.parts_done += 1
    session.flush()
    return run


def find(session: Session, replay_id: int) -> ReplayRun:
    """One replay; ReplayUnknown."""
    found = session.get(ReplayRun, replay_id, populate_existing=True)
    if found is None:
        raise ReplayUnknown()
    return found


def of_proposal(session: Session, proposal: Proposal) -> list[ReplayRun]:
    """The replays of a proposal's very content, the newest first."""
    mine = (
        ReplayRun.proposal_id == proposal.proposal_id,
        ReplayRun.content_hash == proposal.content_hash,
    )
    return list(session.scalars(select(ReplayRun).where(*mine).order_by(ReplayRun.replay_id.desc())))


def reference(replay_id: int) -> str:
    """The public id of a replay."""
    return ids.public("rpl", replay_id)


def parse(said: str) -> int:
    """The replay of a public id; NotFound when it is none."""
    return ids.parse("rpl", said, parts=1)[0]


def _sums(session: Session, draft: Draft, window: Window) -> segments.Sums:
    if draft.kind == EARN_RULE:
        found = earning.part(session, draft.earns, window)
    else:
        general = draft.change.general(window.until_day)[0]
        gain = (general.points, general.per_fen) if general else NO_TERMS
        found = counting.part(session, draft.change, window, gain)
    figures = [0] * len(segments.FIGURES)
    members = {"programme": window.programme_id, "low": window.low, "high": window.high}
    figures[1] = session.scalar(_OUTSTANDING, members) or 0
    return found | {"outstanding": {"": figures}}


_OUTSTANDING = text(
    "select sum(w.balance + w.held)::bigint from wallet w join member_facts f on f.member_id = w.member_id "
    "where f.programme_id = :programme and w.member_id > :low and w.member_id <= :high "
    "and f.member_id > :low and f.member_id <= :high"
)
