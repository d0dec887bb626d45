"""The rule of a segment: a small value with two readers, `holds` for one member's facts and `where` for all members at once.

Both must always say the same; a test with invented rules and populations holds them together. All conditions of a rule
must hold; of several values one is enough; a fact that is not known meets no condition. Whoever has left, or was merged
into another member, is in no segment.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.orm import aliased

from points.groups.models import Contact, Group
from points.kinds import State
from points.lines.models import LineEvent
from points.lines.states import LineState
from points.members.facts import CONTACT, GROUP, PERSON, Facts
from points.members.models import Member, MemberFacts
from points.merges.models import MemberMerge
from points.models import Programme, WalletRow

KINDS = (PERSON, GROUP, CONTACT)
STATES = tuple(state for state in LineState if state is not LineState.CANCELLED)
Span = tuple[int, int]
_BARRED = (LineState.SUSPENDED, LineState.PRE_CANCELLED, LineState.TRANSFER)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is asked of a member; None or nothing: not asked.

    `kinds`, `classes` and `ranks` are asked together: of a contact the class is that of the group, and a rank is had by
    contacts alone. An area contains those whose codes begin with its own. ARPU and tenure reach from the first number
    up to and without the second; risk reaches from the one grade to the other, both included.
    """

    programmes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    ranks: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    birthday_months: tuple[int, ...] = ()
    birthday_this_month: bool = False
    arpu_from_fen: int | None = None
    arpu_below_fen: int | None = None
    risk_at_least: int | None = None
    risk_at_most: int | None = None
    tenure_from_months: int | None = None
    tenure_below_months: int | None = None

    @property
    def is_empty(self) -> bool:
        return self == _NOTHING

    @property
    def asks_for_risk(self) -> bool:
        return self.risk_at_least is not None or self.risk_at_most is not None


_NOTHING = Conditions()


@dataclass(frozen=True, slots=True)
class Rule:
    """Whom a segment is for: those who meet all of `who`, but for those who meet all of `but_not`."""

    who: Conditions
    but_not: Conditions = _NOTHING

    @property
    def adds_only(self) -> bool:
        """The rule asks for the risk grade: it may bring care and offers, and take nothing from anybody."""
        return self.who.asks_for_risk or self.but_not.asks_for_risk


def holds(rule: Rule, facts: Facts) -> bool:
    """Whether a member is in the segment, by what he or she is on the day of the facts."""
    if facts.left_on is not None or facts.wallet is State.MERGED:
        return False
    return _meets(rule.who, facts) and (rule.but_not.is_empty or not _meets(rule.but_not, facts))


def _meets(asked: Conditions, facts: Facts) -> bool:
    months = {*asked.birthday_months, *((facts.on.month,) if asked.birthday_this_month else ())}
    return (
        _one_of(facts.programme, asked.programmes)
        and (not _asks_who(asked) or any(_is(asked, *role) for role in _roles(facts)))
        and (not asked.areas or any(facts.area.startswith(area) for area in asked.areas))
        and (not asked.tiers or not set(asked.tiers).isdisjoint(facts.tiers))
        and (not asked.interests or not facts.interests.isdisjoint(asked.interests))
        and _one_of(facts.line.state, asked.lines)
        and _one_of(facts.birthday_month, months)
        and _between(facts.arpu_fen, asked.arpu_from_fen, asked.arpu_below_fen)
        and _between(facts.risk, asked.risk_at_least, _after(asked.risk_at_most))
        and _between(facts.tenure_months, asked.tenure_from_months, asked.tenure_below_months)
    )


def _roles(facts: Facts) -> Iterable[tuple[str, str | None, str | None]]:
    """As what a member may be met: kind, class, rank."""
    yield facts.kind, facts.group_class, None
    for group_class, rank in facts.contact_of:
        yield CONTACT, group_class, rank


def _is(asked: Conditions, kind: str, group_class: str | None, rank: str | None) -> bool:
    return _one_of(kind, asked.kinds) and _one_of(group_class, asked.classes) and _one_of(rank, asked.ranks)


def _asks_who(asked: Conditions) -> bool:
    return bool(asked.kinds or asked.classes or asked.ranks)


def _one_of(value: object, wanted: Collection[object]) -> bool:
    return not wanted or value in wanted


def _between(value: int | None, least: int | None, below: int | None) -> bool:
    if least is None and below is None:
        return True
    return value is not None and (least is None or value >= least) and (below is None or value < below)


def _after(number: int | None) -> int | None:
    return None if number is None else number + 1


def where(rule: Rule, on: date, span: Span | None = None) -> ColumnElement[bool]:
    """The same as a condition on MemberFacts, for a day; never null.

    `span`: only members after the one and up to the other are meant. It is said of each table, for the database does not
    conclude from a range of one table that the other's rows lie in it too, and would read all of them for each part.
    """
    gone = exists().where(Member.member_id == MemberFacts.member_id, Member.left_on.is_not(None))
    merged = exists().where(MemberMerge.member_id == MemberFacts.member_id)
    parts = [
        *_parts(rule.who, on, MemberFacts, span),
        *in_span(MemberFacts.member_id, span),
        ~gone.where(*in_span(Member.member_id, span)),
        ~merged,
    ]
    if not rule.but_not.is_empty:
        # As rows that are not there, which the database joins; a list that nobody must be in may be asked row by row.
        other = aliased(MemberFacts)
        met = _parts(rule.but_not, on, other, span)
        parts.append(
            ~exists().where(other.member_id == MemberFacts.member_id, *in_span(other.member_id, span), *met)
        )
    return and_(*parts)


def in_span(member_id: Any, span: Span | None) -> list[ColumnElement[bool]]:
    """The column lies after the one member and not after the other."""
    return [member_id > span[0], member_id <= span[1]] if span else []


def _parts(asked: Conditions, on: date, facts: Any, span: Span | None) -> list[ColumnElement[bool]]:
    """Each condition that is asked of a row of facts; a null stands for no."""
    parts = list[ColumnElement[bool]]()
    if asked.programmes:
        named = select(Programme.programme_id).where(Programme.code.in_(asked.programmes))
        parts.append(facts.programme_id.in_(named))
    if asked.areas:
        parts.append(or_(*(facts.area.startswith(area, autoescape=True) for area in asked.areas)))
    if asked.tiers:
        parts.append(facts.tiers.overlap(_texts(asked.tiers)))
        parts.append(or_(facts.tiers_until.is_(None), facts.tiers_until >= on))
    if asked.interests:
        parts.append(facts.interests.overlap(_texts(asked.interests)))
    months = {*asked.birthday_months, *((on.month,) if asked.birthday_this_month else ())}
    if months:
        parts.append(func.left(facts.birthday, 2).in_([f"{month:02}" for month in sorted(months)]))
    if asked.arpu_from_fen is not None:
        parts.append(facts.arpu_fen >= asked.arpu_from_fen)
    if asked.arpu_below_fen is not None:
        parts.append(facts.arpu_fen < asked.arpu_below_fen)
    if asked.risk_at_least is not None:
        parts.append(facts.risk >= asked.risk_at_least)
    if asked.risk_at_most is not None:
        parts.append(facts.risk <= asked.risk_at_most)
    if asked.tenure_from_months is not None:
        parts.append(facts.joined_on <= months_ago(on, asked.tenure_from_months))
    if asked.tenure_below_months is not None:
        parts.append(facts.joined_on > months_ago(on, asked.tenure_below_months))
    if _asks_who(asked):
        parts.append(or_(false(), *_who(asked, facts)))
    if asked.lines:
        parts.append(facts.member_id.in_(_of_lines(asked.lines, on, span)))
    return parts


def months_ago(on: date, months: int) -> date:
    """The last joining day that makes so many full months on a day (points/members/facts.py: full_months)."""
    if not months:
        return date.max  # who joins later has been here for none as well
    year, month = divmod(12 * on.year + on.month - 1 - months, 12)
    if year < 1:
        return date.min
    last = (date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    is_last_day = (on + timedelta(days=1)).day == 1
    return date(year, month + 1, last if is_last_day else min(on.day, last))


def _who(asked: Conditions, facts: Any) -> Iterable[ColumnElement[bool]]:
    """One for each kind that may be meant."""
    wanted = asked.kinds or KINDS
    if PERSON in wanted and not asked.classes and not asked.ranks:
        yield facts.kind == PERSON
    if GROUP in wanted and not asked.ranks:
        group = facts.kind == GROUP
        if asked.classes:
            group = and_(
                group,
                facts.member_id.in_(select(Group.member_id).where(Group.group_class.in_(asked.classes))),
            )
        yield group
    if CONTACT in wanted:
        contacts = select(Contact.contact_id).where(Contact.until.is_(None))
        if asked.ranks:
            contacts = contacts.where(Contact.rank.in_(asked.ranks))
        if asked.classes:
            contacts = contacts.join(Group, Group.member_id == Contact.member_id).where(
                Group.group_class.in_(asked.classes)
            )
        yield facts.member_id.in_(contacts)


def _of_lines(wanted: Collection[str], on: date, span: Span | None) -> Select[int]:
    """Members whose line is in one of these states, as points/lines/states.py derives them."""
    member, wallet, programme = Member, WalletRow, Programme
    last = _told(span, LineEvent.since.desc(), LineEvent.nth.desc())
    first = _told(span, LineEvent.since, LineEvent.nth)
    young = or_(
        wallet.state == int(State.NEW),
        member.joined_on + programme.minimum_tenure_days > literal(on),
    )
    tells_young_apart = not {LineState.NEW, LineState.REJOINED}.isdisjoint(wanted)
    again = [(and_(young, first.c.state == str(LineState.REJOINED)), str(LineState.REJOINED))]
    state = case(
        (or_(member.left_on.is_not(None), wallet.state == int(State.CLOSED)), str(LineState.CANCELLED)),
        (last.c.state.in_([str(one) for one in (*_BARRED, LineState.CANCELLED)]), last.c.state),
        (wallet.state == int(State.FROZEN), str(LineState.SUSPENDED)),
        *(again if tells_young_apart else ()),
        (young, str(LineState.NEW)),
        else_=str(LineState.ACTIVE),
    )
    asked = (
        select(member.member_id)
        .join(wallet, wallet.member_id == member.member_id)
        .join(programme, programme.programme_id == member.programme_id)
        .outerjoin(last, last.c.member_id == member.member_id)
        .where(state.in_([str(one) for one in wanted]))
        .where(*in_span(member.member_id, span), *in_span(wallet.member_id, span))
    )
    return asked.outerjoin(first, first.c.member_id == member.member_id) if tells_young_apart else asked


def _told(span: Span | None, *order: Any) -> Subquery:
    """Of each member the event that comes first in an order."""
    asked = select(LineEvent.member_id, LineEvent.state).ext(distinct_on(LineEvent.member_id))
    return asked.where(*in_span(LineEvent.member_id, span)).order_by(LineEvent.member_id, *order).subquery()


def _texts(values: Iterable[str]) -> ColumnElement[Any]:
    return cast(list(values), ARRAY(Text))


def stored(rule: Rule) -> dict[str, Any]:
    """The rule as JSON: only what it asks."""
    said = _stored(rule.who)
    return said if rule.but_not.is_empty else said | {"not": _stored(rule.but_not)}


def read(said: dict[str, Any]) -> Rule:
    """The rule again."""
    who = {name: value for name, value in said.items() if name != "not"}
    return Rule(_read(who), _read(said.get("not", {})))


def _stored(asked: Conditions) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(asked).items()
        if value is not None and value is not False and value != ()
    }


def _read(said: dict[str, Any]) -> Conditions:
    lists = {field.name for field in fields(Conditions) if field.default == ()}
    values: dict[str, Any] = {name: tuple(value) if name in lists else value for name, value in said.items()}
    return Conditions(**values)
