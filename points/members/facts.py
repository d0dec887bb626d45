"""The facts of members: one row each, which eligibility, prices and segments ask in one look.

Values change by what is told or reckoned elsewhere (attributes, tiers, groups, preferences), in the same transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from points.kinds import State
from points.lines import states
from points.lines.states import Line, Membership
from points.members import attributes
from points.members.models import MemberFacts
from points.refusals import MemberUnknown
from points.tiers import ladders

PERSON, GROUP, CONTACT = "person", "group", "contact"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a member is on a day, as everything asks that is only for some.

    `contact_of`: class and rank for each group whose contact the member is. `tiers` are those that hold on the day, also
    once the last day of granted ones has passed (`tiers_ended`). `interests`: those with consent alone.
    `segments`: ids of those that the member was in at their last refresh. `risk` is for the operator's eyes only.
    """

    member_id: int
    on: date
    programme_id: int
    programme: str
    kind: str
    group_class: str | None
    contact_of: frozenset[tuple[str, str]]
    area: str
    tiers: tuple[str, ...]
    tiers_until: date | None
    arpu_fen: int | None
    risk: int | None = field(repr=False)
    joined_on: date
    left_on: date | None
    wallet: State
    line: Line
    birthday_month: int | None = field(repr=False)
    interests: frozenset[str]
    segments: frozenset[int]

    @property
    def tiers_ended(self) -> bool:
        """Whether tiers were granted until a day that has passed."""
        return self.tiers_until is not None and self.on > self.tiers_until

    @property
    def tenure_months(self) -> int:
        """Full months since the member joined."""
        return full_months(self.joined_on, self.on)


def of(session: Session, member_id: int, on: date) -> Facts:
    """The facts of a member on a day, in one statement; MemberUnknown.

    Where a granted tier ended and no run has come by since, a second look reckons the tiers from their history.
    """
    row = session.connection().exec_driver_sql(STATEMENT, (member_id,)).one_or_none()
    if row is None:
        raise MemberUnknown()
    return told(session, row, member_id, on)


def told(session: Session, row: Any, member_id: int, on: date) -> Facts:
    """The facts that a row of STATEMENT says, which another one may have read along with what else it needs."""
    wallet = State(row.wallet)
    from_day = row.joined_on + timedelta(days=row.minimum_tenure_days)
    membership = Membership(row.joined_on, row.left_on, wallet, from_day)
    ended = row.tiers_until is not None and on > row.tiers_until
    return Facts(
        member_id=member_id,
        on=on,
        programme_id=row.programme_id,
        programme=row.programme,
        kind=row.kind,
        group_class=row.group_class,
        contact_of=frozenset((pair[0], pair[1]) for pair in row.contact_of),
        area=row.area,
        tiers=_reckoned(session, member_id, row.programme_id, on) if ended else tuple(row.tiers),
        tiers_until=row.tiers_until,
        arpu_fen=row.arpu_fen,
        risk=row.risk,
        joined_on=row.joined_on,
        left_on=row.left_on,
        wallet=wallet,
        line=states.line([_Told(*event) for event in _events(row)], membership, on),
        birthday_month=int(row.birthday[:2]) if row.birthday else None,
        interests=frozenset(row.interests),
        segments=frozenset(row.segments),
    )


def _reckoned(session: Session, member_id: int, programme_id: int, on: date) -> tuple[str, ...]:
    known = attributes.of_many(session, [member_id], ladders.load(session, programme_id)).get(member_id)
    return tuple(sorted(known.every_on(on))) if known else ()


def full_months(since: date, on: date) -> int:
    """Full months from a day to another; the last day of a shorter month completes the month of the 31st."""
    months = 12 * (on.year - since.year) + on.month - since.month
    is_last_day = (on + timedelta(days=1)).day == 1
    return max(0, months - (on.day < since.day and not is_last_day))


def after_months(since: date, months: int) -> date:
    """The first day on which so many months from a day are full."""
    year, month = divmod(12 * since.year + since.month - 1 + months, 12)
    last = (date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(since.day, last))


def open_one(session: Session, member_id: int, programme_id: int, joined_on: date) -> None:
    """The facts of a member who has just joined; those of many are written by `members.enrol_new`."""
    session.connection().exec_driver_sql(
        "insert into member_facts (member_id, programme_id, joined_on) values (%s, %s, %s)",
        (member_id, programme_id, joined_on),
    )


def is_group(session: Session, member_id: int) -> None:
    """From now on the member is a group."""
    session.execute(update(MemberFacts).where(MemberFacts.member_id == member_id).values(kind=GROUP))


@dataclass(frozen=True, slots=True)
class _Told:
    """Of an event of the line, what its state depends on."""

    nth: int
    since: date
    state: str
    reason: str
    clearing_day: date | None


def _events(row: Any) -> Iterable[tuple[Any, ...]]:
    if row.nths is None:
        return ()
    return zip(row.nths, row.sinces, row.states, row.reasons, row.clearing_days, strict=True)


STATEMENT = """
select f.programme_id, p.code programme, p.minimum_tenure_days, m.joined_on, m.left_on, w.state wallet,
  f.kind, f.area, f.tiers, f.tiers_until, f.arpu_fen, f.risk, f.birthday, f.interests,
  (select g.group_class from group_profile g where g.member_id = f.member_id) group_class,
  array(select array[g.group_class, c.rank] from group_contact c join group_profile g on g.member_id = c.member_id
    where c.contact_id = f.member_id and c.until is null) contact_of,
  array(select s.segment_id from segment_member s join segment t on t.segment_id = s.segment_id
    where s.member_id = f.member_id and s.until is null and t.ended_at is null) segments,
  e.*
from member_facts f
join member m on m.member_id = f.member_id
join wallet w on w.member_id = f.member_id
join programme p on p.programme_id = f.programme_id
cross join lateral (
  select array_agg(nth) nths, array_agg(since) sinces, array_agg(state) states, array_agg(reason) reasons,
    array_agg(clearing_day) clearing_days
  from line_event l where l.member_id = f.member_id) e
where f.member_id = %s
"""
