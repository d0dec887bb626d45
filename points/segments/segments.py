"""Segments: made, given another rule from a day on, ended, looked at; each within what the asker may see.

A person of an area makes rules about that area, a system about its own programme; where a rule names none, it gets theirs.
Counts and rules are no secret among those who may read segments, members are shown within the asker's scope alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from base import audit, ids
from base.auth.principals import Principal, Service, Staff
from base.errors import Conflict, Invalid, NotAllowed, NotFound
from points import programmes
from points.members import scope
from points.members.models import MemberFacts
from points.policies import SameDayVersion
from points.segments import rules
from points.segments.models import Segment, SegmentMember, SegmentRun, SegmentVersion
from points.segments.rules import Rule

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
SAMPLE = 10


class SegmentUnknown(NotFound):
    """There is no such segment."""

    zh = "没有该客户分群。"


class SegmentCodeTaken(Conflict):
    """There is a segment with this code already."""

    zh = "该分群代码已被使用。"
    next_en, next_zh = (
        "Choose another code, or add a version to that segment.",
        "请换一个代码，或为该分群新增版本。",
    )


class SegmentEnded(Conflict):
    """This segment has ended."""

    zh = "该客户分群已停用。"


class SegmentNotYours(NotAllowed):
    """This segment reaches beyond your area or programme."""

    zh = "该分群超出您的地区或积分计划范围，您不能修改。"


class BadRule(Invalid):
    """This cannot be the rule of a segment."""

    zh = "分群规则不正确。"


@dataclass(frozen=True, slots=True)
class Shown:
    """A segment with the version in force (before its first day: the first one), and its last finished refresh."""

    segment: Segment
    version: SegmentVersion
    run: SegmentRun | None

    @property
    def rule(self) -> Rule:
        return rules.read(self.version.rule)

    @property
    def members(self) -> int | None:
        """How many were in it after the last refresh; None: there was none yet."""
        return self.run.came + self.run.stayed if self.run else None


@dataclass(frozen=True, slots=True)
class Preview:
    """Who would be in a segment now, as far as the asker sees them: how many, and a few of them."""

    count: int
    sample: list[MemberFacts]


def create(
    session: Session,
    principal: Principal,
    code: str,
    names: dict[str, str],
    rule: Rule,
    at: datetime,
    today: date,
) -> Shown:
    """A new segment, whose rule counts from today on. SegmentCodeTaken, BadRule, ProgrammeUnknown."""
    if not CODE.fullmatch(code):
        raise BadRule("code: is 1 to 64 small letters, digits and dashes", field="code")
    rule = own(session, principal, rule)
    made: Segment | None = session.scalar(
        insert(Segment)
        .values(segment_id=ids.new_id(), made_at=at, code=code, made_by=principal.actor, names=names)
        .on_conflict_do_nothing(index_elements=["code"])
        .returning(Segment)
    )
    if made is None:
        raise SegmentCodeTaken(code=code)
    version = _add(session, principal, made, rule, today, at)
    audit.write(session, principal.actor, "segment.made", reference(made), code=code)
    return Shown(made, version, None)


def add_version(
    session: Session,
    principal: Principal,
    shown: Shown,
    rule: Rule,
    from_day: date,
    at: datetime,
    today: date,
) -> Shown:
    """From a day on, today at the earliest, another rule counts. SegmentEnded, SameDayVersion, BadRule."""
    if shown.segment.ended_at is not None:
        raise SegmentEnded()
    if from_day < today:
        raise BadRule("from_day: lies in the past", field="from_day")
    _may_change(session, principal, shown.rule)
    version = _add(session, principal, shown.segment, own(session, principal, rule), from_day, at)
    audit.write(session, principal.actor, "segment.version", reference(shown.segment), from_day=str(from_day))
    return replace(shown, version=version if from_day <= today else shown.version)


def end(session: Session, principal: Principal, shown: Shown, at: datetime) -> Shown:
    """From now on nobody is in it; the next refresh closes the memberships. Harmless to repeat."""
    if shown.segment.ended_at is None:
        _may_change(session, principal, shown.rule)
        shown.segment.ended_at = at
        session.flush()
        audit.write(session, principal.actor, "segment.ended", reference(shown.segment))
    return shown


def find(session: Session, principal: Principal, segment: str, today: date) -> Shown:
    """A segment by its public id; SegmentUnknown, also for a system of another programme."""
    (segment_id,) = ids.parse("seg", segment, parts=1)
    row = session.get(Segment, segment_id)
    if row is None:
        raise SegmentUnknown()
    found = _shown(session, [row], today)[0]
    if not _visible(session, principal, found.rule):
        raise SegmentUnknown()
    return found


def listed(
    session: Session, principal: Principal, today: date, *, after: int | None = None, limit: int = 50
) -> list[Shown]:
    """The segments that the asker may see, the oldest first, those that ended included."""
    found: list[Shown] = []
    while len(found) < limit:
        rows = session.scalars(
            select(Segment).where(Segment.segment_id > (after or 0)).order_by(Segment.segment_id).limit(limit)
        ).all()
        shown = _shown(session, rows, today)
        found += [one for one in shown if _visible(session, principal, one.rule)]
        if len(rows) < limit:
            break
        after = rows[-1].segment_id
    return found[:limit]


def in_force(session: Session, on: date) -> list[tuple[Segment, SegmentVersion | None]]:
    """Every segment with the version that counts on a day; None: it has ended. One not yet begun is left out."""
    found: list[tuple[Segment, SegmentVersion | None]] = []
    versions = _versions(session, on)
    for segment in session.scalars(select(Segment).order_by(Segment.segment_id)):
        if segment.ended_at is not None:
            found.append((segment, None))
        elif segment.segment_id in versions:
            found.append((segment, versions[segment.segment_id]))
    return found


def versions_of(session: Session, segment_id: int) -> list[SegmentVersion]:
    """All rules that a segment has had or will have, the latest first."""
    asked = select(SegmentVersion).where(SegmentVersion.segment_id == segment_id)
    return list(session.scalars(asked.order_by(SegmentVersion.from_day.desc())))


def runs_of(session: Session, segment_id: int, *, limit: int) -> list[SegmentRun]:
    """The last finished refreshes of a segment, the latest first."""
    return list(
        session.scalars(
            select(SegmentRun)
            .where(SegmentRun.segment_id == segment_id, SegmentRun.ended_at.is_not(None))
            .order_by(SegmentRun.run_id.desc())
            .limit(limit)
        )
    )


def members(
    session: Session, principal: Principal, shown: Shown, *, after: int | None, limit: int
) -> list[SegmentMember]:
    """Who was in it at the last refresh, as far as the asker sees them, by id; the look is on record."""
    if shown.segment.ended_at is not None:
        return []
    audit.write(session, principal.actor, "segment.members-viewed", reference(shown.segment))
    asked = _present(shown.segment.segment_id).where(SegmentMember.member_id > (after or 0))
    asked = asked.order_by(SegmentMember.member_id).limit(limit)
    return list(session.scalars(scope.within(principal, asked, SegmentMember.member_id)))


def preview(session: Session, principal: Principal, rule: Rule, today: date) -> Preview:
    """Whom a rule would take in now: counted anew, nothing is kept. BadRule, ProgrammeUnknown."""
    rule = own(session, principal, rule)
    asked = select(MemberFacts.member_id).where(rules.where(rule, today), scope.of_facts(principal))
    matched = asked.cte("matched")
    # In the order of a hash, so that the few are of all ages, and the same at each look.
    few = select(matched.c.member_id).order_by(func.hashint8extended(matched.c.member_id, 7)).limit(SAMPLE)
    count, some = session.execute(
        select(select(func.count()).select_from(matched).scalar_subquery(), func.array(few.scalar_subquery()))
    ).one()
    rows = session.scalars(select(MemberFacts).where(MemberFacts.member_id.in_(some)))
    return Preview(int(count), sorted(rows, key=lambda row: some.index(row.member_id)))


def own(session: Session, principal: Principal, rule: Rule) -> Rule:
    """The rule within what the asker may make rules about: a rule that names no programme or area gets the asker's.

    BadRule where it asks for nothing, or for more than the asker's; ProgrammeUnknown.
    """
    if rule.who.is_empty and rule.but_not.is_empty:
        raise BadRule("it asks for nothing, so everybody would be in it", field="rule")
    assert isinstance(principal, Staff | Service)
    for code in (*rule.who.programmes, *rule.but_not.programmes):
        programmes.by_code(session, code)
    who = rule.who
    if isinstance(principal, Service):
        mine = programmes.by_id(session, principal.programme_id).code
        if any(code != mine for code in who.programmes):
            raise programmes.ProgrammeUnknown(programme=who.programmes[0])
        who = replace(who, programmes=(mine,))
    if principal.area:
        if any(not area.startswith(principal.area) for area in who.areas):
            raise BadRule("areas: one of them lies outside of your own", field="areas")
        who = replace(who, areas=who.areas or (principal.area,))
    return replace(rule, who=who)


def _may_change(session: Session, principal: Principal, rule: Rule) -> None:
    """SegmentNotYours, unless all whom the rule is for are the asker's own."""
    assert isinstance(principal, Staff | Service)
    who = rule.who
    if isinstance(principal, Service):
        mine = programmes.by_id(session, principal.programme_id).code
        if who.programmes != (mine,):
            raise SegmentNotYours()
    within = bool(who.areas) and all(area.startswith(principal.area) for area in who.areas)
    if principal.area and not within:
        raise SegmentNotYours()


def rule_of(version: SegmentVersion) -> Rule:
    """The rule of a version."""
    return rules.read(version.rule)


def reference(segment: Segment) -> str:
    """A segment's public id."""
    return ids.public("seg", segment.segment_id)


def _add(
    session: Session, principal: Principal, segment: Segment, rule: Rule, from_day: date, at: datetime
) -> SegmentVersion:
    version: SegmentVersion | None = session.scalar(
        insert(SegmentVersion)
        .values(
            version_id=ids.new_id(),
            segment_id=segment.segment_id,
            made_at=at,
            from_day=from_day,
            adds_only=rule.adds_only,
            made_by=principal.actor,
            rule=rules.stored(rule),
        )
        .on_conflict_do_nothing(index_elements=["segment_id", "from_day"])
        .returning(SegmentVersion)
    )
    if version is None:
        raise SameDayVersion(from_day=str(from_day))
    return version


def _visible(session: Session, principal: Principal, rule: Rule) -> bool:
    """A system sees what may be about its own programme; staff see every segment."""
    if not isinstance(principal, Service) or not rule.who.programmes:
        return True
    return programmes.by_id(session, principal.programme_id).code in rule.who.programmes


def _shown(session: Session, rows: Sequence[Segment], today: date) -> list[Shown]:
    wanted = [row.segment_id for row in rows]
    versions = _versions(session, date.max, earliest=True) | _versions(session, today)
    runs = {
        run.segment_id: run
        for run in session.scalars(
            select(SegmentRun)
            .ext(distinct_on(SegmentRun.segment_id))
            .where(SegmentRun.segment_id.in_(wanted), SegmentRun.ended_at.is_not(None))
            .order_by(SegmentRun.segment_id, SegmentRun.run_id.desc())
        )
    }
    return [Shown(row, versions[row.segment_id], runs.get(row.segment_id)) for row in rows]


def _versions(session: Session, on: date, *, earliest: bool = False) -> dict[int, SegmentVersion]:
    """Of each segment the version in force on a day, or the first there is."""
    day = SegmentVersion.from_day
    asked = (
        select(SegmentVersion)
        .ext(distinct_on(SegmentVersion.segment_id))
        .where(day <= on)
        .order_by(SegmentVersion.segment_id, day if earliest else day.desc())
    )
    return {version.segment_id: version for version in session.scalars(asked)}


def _present(segment_id: int) -> Select[SegmentMember]:
    return select(SegmentMember).where(SegmentMember.segment_id == segment_id, SegmentMember.until.is_(None))
