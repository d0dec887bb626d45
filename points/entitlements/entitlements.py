"""Using what a tier allows: counted by one conditional update, so that of two at once for the last use one wins.

A use belongs to the period of its day. Nothing is counted ahead: a period's counter begins with its first use, and by then
the period before is over, so what came over from it is final but for an undoing, which gives back to its own period.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.errors import Conflict, Invalid, NotAllowed, NotFound, OverLimit
from points import ledger, programmes
from points.entitlements import periods, rules
from points.entitlements.models import EntitlementCount, EntitlementRule, EntitlementUse
from points.entitlements.periods import Allowance, Period
from points.lines import standing
from points.lines.matrix import Action
from points.members import attributes
from points.members.attributes import NOTHING_KNOWN, Attributes
from points.members.models import Member
from points.models import Programme
from points.tiers import ladders
from points.tiers.ladders import Ladders

LONGEST_REF = 64
_DAY = timedelta(days=1)
TWO_PERIODS = 366  # days; the longest period is a year: the one before the present ended no earlier
Counts = dict[tuple[str, date], EntitlementCount]


class EntitlementUnknown(NotFound):
    """There is no such entitlement."""

    zh = "没有该权益额度。"


class EntitlementUseUnknown(NotFound):
    """There is no such use of an entitlement."""

    zh = "没有该次权益使用记录。"


class NotEntitled(NotAllowed):
    """The member's tier does not include this."""

    zh = "当前等级不含此项权益。"
    next_en, next_zh = "See which tiers include it.", "请查看包含此项权益的等级。"


class EntitlementUsedUp(Conflict):
    """Everything that the tier allows in this period was used."""

    zh = "本期额度已用完。"
    next_en, next_zh = (
        "Wait until the day that is named, or pay with points.",
        "请等到注明的日期，或使用积分。",
    )


class EntitlementBlackout(Conflict):
    """This cannot be used on this day."""

    zh = "该日期不可使用此项权益。"
    next_en, next_zh = "Choose the day that is named or a later one.", "请选择注明的日期或之后的日期。"


class TooManyGuests(OverLimit):
    """More guests than may come along."""

    zh = "同行人数超过限制。"
    next_en, next_zh = "Bring fewer guests.", "请减少同行人数。"


class EntitlementUndone(Conflict):
    """This use was undone already."""

    zh = "该次使用已撤销。"


class UseOfRedemption(Conflict):
    """This use belongs to a redemption and ends with it."""

    zh = "该次使用属于一次兑换，随兑换一并退回。"
    next_en, next_zh = "Cancel or reverse the redemption.", "请取消或冲正该兑换。"


class BadUse(Invalid):
    """This use cannot be taken down."""

    zh = "使用登记的内容不正确。"


@dataclass(frozen=True)
class Standing:
    """A perk as it stands for a member in a period: the rule, the period, what is allowed, used and left."""

    rule: EntitlementRule
    period: Period
    allowance: Allowance


def use(
    session: Session, member: Member, perk: str, guests: int, on: date, ref: str, actor: str, at: datetime
) -> tuple[EntitlementUse, Standing]:
    """Count one use with so many guests on a day of the present period up to today.

    EntitlementUnknown, NotEntitled, EntitlementBlackout, TooManyGuests, EntitlementUsedUp, BadUse, MemberMerged, and what
    the line refuses.
    """
    programme = programmes.open_one(session, member.programme_id)
    today = clock.day(at, programme.zone)
    standing.ask(
        session, member, ledger.read(session, member.member_id).state, programme, today, Action.REDEEM
    )
    if on > today:
        raise BadUse("on: lies in the future")
    versions, known = rules.load(session, programme.programme_id), _known(session, member)
    found = _standing(_counts(session, member.member_id, on), known, versions, perk, on)
    if found is None:
        raise EntitlementUnknown()
    _check(found, guests, on, today, ref)
    taken = 1 + (guests if found.rule.guests_take_uses else 0)
    if not _count(session, member.member_id, found, taken):
        now = _standing(_counts(session, member.member_id, on), known, versions, perk, on) or found
        raise EntitlementUsedUp(
            allowed=now.allowance.allowed, left=now.allowance.left, resets_on=str(now.period.until)
        )
    row = EntitlementUse(
        member_id=member.member_id,
        use_id=ids.new_id(),
        rule_id=found.rule.rule_id,
        at=at,
        undoes=None,
        uses=taken,
        guests=guests,
        on_day=on,
        period_from=found.period.first,
        perk=perk,
        actor=actor,
        ref=ref,
    )
    session.add(row)
    session.flush()
    after = _standing(_counts(session, member.member_id, on), known, versions, perk, on)
    assert after is not None
    return row, after


def undo(session: Session, member_id: int, use_id: int, actor: str, at: datetime) -> EntitlementUse:
    """Give a use back to its own period; EntitlementUseUnknown, EntitlementUndone."""
    row = session.get(EntitlementUse, (member_id, use_id))
    if row is None or row.undoes is not None:
        raise EntitlementUseUnknown()
    values = {
        name: getattr(row, name)
        for name in ("rule_id", "uses", "guests", "on_day", "period_from", "perk", "ref")
    }
    undone: EntitlementUse | None = session.scalar(
        insert(EntitlementUse)
        .values(member_id=member_id, use_id=ids.new_id(), undoes=use_id, actor=actor, at=at, **values)
        .on_conflict_do_nothing()
        .returning(EntitlementUse)
    )
    if undone is None:
        raise EntitlementUndone()
    session.execute(
        update(EntitlementCount)
        .where(*_counter(member_id, row.perk, row.period_from))
        .values(used=EntitlementCount.used - row.uses)
    )
    return undone


def refuse_redeemed(session: Session, member_id: int, use_id: int) -> None:
    """UseOfRedemption where a member's redemption made this use: undone alone, the allowance would be there twice."""
    row = session.get(EntitlementUse, (member_id, use_id))
    if row is not None and row.actor == f"member:{member_id}" and row.ref.startswith("red_"):
        raise UseOfRedemption(ref=row.ref)


def of(
    session: Session, member: Member, programme: Programme, on: date, climbed: Ladders | None = None
) -> list[Standing]:
    """Every perk that the member's tier allows on a day or that was used in its period, by code.

    `climbed`: the programme's ladders, where they were just read.
    """
    versions = rules.load(session, programme.programme_id)
    if not versions:
        return []
    known, counts = _known(session, member, climbed), _counts(session, member.member_id, on)
    found = (_standing(counts, known, versions, perk, on) for perk in rules.perks(versions))
    return [one for one in found if one is not None and (one.allowance.allowed or one.allowance.used)]


def find(session: Session, member: Member, programme: Programme, perk: str, on: date) -> Standing | None:
    """How one perk stands for a member on a day; None where no rule of it has begun."""
    versions = rules.load(session, programme.programme_id)
    counts = _counts(session, member.member_id, on)
    return _standing(counts, _known(session, member), versions, perk, on)


def uses(session: Session, member_id: int, *, before: int | None, limit: int) -> list[EntitlementUse]:
    """What was used and undone, newest first."""
    asked = select(EntitlementUse).where(EntitlementUse.member_id == member_id)
    if before is not None:
        asked = asked.where(EntitlementUse.use_id < before)
    return list(session.scalars(asked.order_by(EntitlementUse.use_id.desc()).limit(limit)))


def _check(found: Standing, guests: int, on: date, today: date, ref: str) -> None:
    if not 0 < len(ref) <= LONGEST_REF:
        raise BadUse(f"ref: must be 1 to {LONGEST_REF} characters")
    if today >= found.period.until:
        raise BadUse("on: must be a day of the present period, and not later than today")
    if not found.allowance.allowed:
        raise NotEntitled(tiers=sorted(found.rule.uses))
    if on in found.rule.blackout_days:
        raise EntitlementBlackout(next_day=str(periods.next_open(found.rule.blackout_days, on)))
    if guests > found.rule.guests:
        raise TooManyGuests(most=found.rule.guests)


def _known(session: Session, member: Member, climbed: Ladders | None = None) -> Attributes:
    """The member's tiers by date."""
    found = climbed or ladders.load(session, member.programme_id)
    return attributes.of_many(session, [member.member_id], found).get(member.member_id, NOTHING_KNOWN)


def _counts(session: Session, member_id: int, on: date) -> Counts:
    """What was used in the periods that a standing of this day may look at: the present ones and those before."""
    since = date.fromordinal(max(date.min.toordinal(), on.toordinal() - TWO_PERIODS))
    rows = database.copies(session, EntitlementCount, _COUNTS, (member_id, since))
    return {(row.perk, row.period_from): row for row in rows}


_COUNTS = f"select {database.columns(EntitlementCount)} from entitlement_count where member_id = %s and period_until >= %s"


def _standing(
    counts: Counts, known: Attributes, versions: Sequence[EntitlementRule], perk: str, on: date
) -> Standing | None:
    """How a perk stands on a day; None where no rule has begun."""
    rule = rules.in_force(versions, perk, on)
    if rule is None:
        return None
    now = periods.period(rule.period, on)
    row = counts.get((perk, now.first))
    own = periods.own(rule.uses, known.every_on(on))
    if row is not None:
        return Standing(rule, now, Allowance(own, row.carried, row.used))
    return Standing(rule, now, Allowance(own, _carried(counts, known, versions, rule, now), 0))


def _carried(
    counts: Counts,
    known: Attributes,
    versions: Sequence[EntitlementRule],
    rule: EntitlementRule,
    now: Period,
) -> int:
    """What comes over from the period before, under the rule and the tier of its last day."""
    last = rules.in_force(versions, rule.perk, now.first - _DAY)
    if last is None or not rule.carry_over or last.period != rule.period:
        return 0
    then = periods.period(last.period, now.first - _DAY)
    row = counts.get((rule.perk, then.first))
    own = periods.own(last.uses, known.every_on(then.last))
    before = Allowance(own, row.carried if row else 0, row.used if row else 0)
    return periods.carried(before, rule.carry_over)


def _count(session: Session, member_id: int, found: Standing, taken: int) -> bool:
    """Raise the counter where it stays within what is allowed; of two at once the second sees what the first left."""
    session.execute(
        insert(EntitlementCount)
        .values(
            member_id=member_id,
            perk=found.rule.perk,
            period_from=found.period.first,
            period_until=found.period.until,
            used=0,
            carried=found.allowance.carried,
        )
        .on_conflict_do_nothing()
    )
    counted = session.execute(
        update(EntitlementCount)
        .where(
            *_counter(member_id, found.rule.perk, found.period.first),
            EntitlementCount.used + taken <= found.allowance.own + EntitlementCount.carried,
        )
        .values(used=EntitlementCount.used + taken)
        .returning(EntitlementCount.used)
    )
    return counted.one_or_none() is not None


def _counter(member_id: int, perk: str, first: date) -> tuple[ColumnElement[bool], ...]:
    return (
        EntitlementCount.member_id == member_id,
        EntitlementCount.perk == perk,
        EntitlementCount.period_from == first,
    )
