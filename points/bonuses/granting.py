"""Giving bonuses, one or hundreds: the posting, the bonus and what it takes of caps and budget are one transaction.

Who gives to a member first locks the wallet, and only then reads what the member got before: nobody gives in between. So
a member's caps need no counter of their own; the bonuses are numbered, and their numbers are unique keys. What members
share (points/bonuses/room.py) comes after the wallets, always.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from base import clock, database
from base.errors import Problem
from points import ledger, lots, policies
from points.bonuses import deciding, room, rules
from points.bonuses.deciding import Asked, Before, Condition, Counts, Wanted, World
from points.bonuses.models import Bonus, BonusRule
from points.bonuses.refusals import BudgetUsedUp
from points.deeds import Request
from points.kinds import Kind, State
from points.ledger import Answer
from points.lines import standing
from points.lines.matrix import Action
from points.members import attributes
from points.members.members import MemberUnknown
from points.members.models import Member
from points.models import Programme

ACTOR = "bonus"
Place = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Left:
    """What is left after a bonus: bonuses of the member, of the member that day, of all that day, and points of the
    budget. None: there is no such limit.
    """

    member: int | None
    member_day: int | None
    day: int | None
    budget_points: int | None


@dataclass(frozen=True, slots=True)
class Given:
    """A bonus that was given, now or (`repeated`) before, or that would be. `seq`: its posting's number, 0 of a question."""

    rule: BonusRule
    member_id: int
    points: int
    on: date
    ref: str
    seq: int
    last_day: date
    nth: int
    nth_of_day: int
    repeated: bool = False


def grant(
    session: Session, programme: Programme, wanted: Wanted, at: datetime, *, points: int | None = None
) -> Given:
    """Give a bonus; the same one again is answered as before. `points`: of goodwill, at most those of the rule.

    MemberUnknown, BadBonus, BonusRuleUnknown, BonusNotRunning, NotTheOccasion, BonusNotForMember, BonusCapReached,
    BudgetUsedUp, NeedsTwoPersons, NoRuleInForce, and what the member's line does not allow.
    """
    world = world_of(session, programme, at)
    asked = deciding.asked(world, wanted, points)
    member = _member(session, programme, wanted.member_id)
    ledger.lock(session, [wanted.member_id])
    before, there = _decided(session, world, programme, asked, member)
    if there is not None:
        return there
    answer = ledger.post(session, _request(asked, programme, at))
    given = _given(asked, answer, before)
    _keep(session, [(given, asked)], at)
    room.take(session, asked.rule, wanted.on, given.points)
    return given


def question(session: Session, programme: Programme, wanted: Wanted, at: datetime) -> Given:
    """What a bonus would give now; refused as the bonus would be. Writes nothing, locks nothing."""
    world = world_of(session, programme, at)
    asked = deciding.asked(world, wanted)
    member = _member(session, programme, wanted.member_id)
    before, there = _decided(session, world, programme, asked, member)
    if there is not None:
        return there
    of_all(session, asked)
    return Given(
        asked.rule, wanted.member_id, asked.points, wanted.on, asked.ref, 0, asked.last_day,
        before.of_campaign + 1, before.of_day + 1,
    )  # fmt: skip


def of_all(session: Session, asked: Asked) -> None:
    """Whether there is room for one more among all members; BonusCapReached, BudgetUsedUp."""
    of_day, points = (
        room.day_left(session, asked.rule, asked.wanted.on),
        room.budget_left(session, asked.rule),
    )
    if of_day is not None and of_day < 1:
        raise room.day_is_full(asked.rule, asked.wanted.on)
    if points is not None and points < asked.points:
        raise BudgetUsedUp(rule=asked.rule.code)


def grant_many(
    session: Session, programme: Programme, wanted: Sequence[Wanted], at: datetime
) -> list[Given | Problem]:
    """Give many bonuses in the caller's transaction, a bonus or a named refusal each in the order given.

    Where a day or a budget has not room for all, those that come first in the order get what there is. Safe to repeat.
    """
    world = world_of(session, programme, at)
    known = _members(session, programme, {one.member_id for one in wanted})
    asked, answers = _each(world, wanted, known)
    members = sorted({one.wanted.member_id for one in asked.values()})
    ledger.lock(session, members)
    before = dict(zip(asked, _before(session, list(asked.values())), strict=True))
    there = _there(session, world, [one for number, one in asked.items() if before[number].is_there])
    answers |= {number: there[one.place] for number, one in asked.items() if one.place in there}
    first: dict[Place, int] = {}
    for number, one in asked.items():
        first.setdefault(one.place, number)
    fresh = {
        number: one for number, one in asked.items() if number not in answers and first[one.place] == number
    }
    good, refused = _good(session, programme, fresh, known, before, world.today)
    chosen, full = room.fitting(session, good)
    answers |= refused | full
    posted = ledger.post_many(session, [_request(one, programme, at) for one in chosen.values()])
    done: dict[int, tuple[Given, Asked]] = {}
    counts = Counts()
    for (number, one), answer in zip(chosen.items(), posted, strict=True):
        if isinstance(answer, Problem):
            answers[number] = answer
        else:
            done[number] = _given(one, answer, counts.on_top(one, before[number])), one
            answers[number] = done[number][0]
            counts.add(one)
    _keep(session, list(done.values()), at)
    room.take_all(session, {number: one for number, (_, one) in done.items()})
    again = {number: answers[first[one.place]] for number, one in asked.items() if number not in answers}
    answers |= {
        n: one if isinstance(one, Problem) else replace(one, repeated=True) for n, one in again.items()
    }
    return [answers[number] for number in range(len(wanted))]


def left(session: Session, given: Given) -> Left:
    """What is left of caps and budget after a bonus was given, or after the one that would be."""
    rule, more = given.rule, 1 if given.seq == 0 else 0  # one that would be is not taken yet
    of_day, points = room.day_left(session, rule, given.on), room.budget_left(session, rule)
    return Left(
        None if rule.most_per_member is None else max(0, rule.most_per_member - given.nth),
        None if rule.most_per_member_day is None else max(0, rule.most_per_member_day - given.nth_of_day),
        None if of_day is None else max(0, of_day - more),
        None if points is None else max(0, points - more * given.points),
    )


def world_of(session: Session, programme: Programme, at: datetime) -> World:
    """What decides about the bonuses of a programme at a moment."""
    programme_id = programme.programme_id
    return World(
        rules.versions(session, programme_id),
        policies.load(session, programme_id),
        clock.day(at, programme.zone),
    )


def posting_key(code: str, ref: str) -> UUID:
    """The key of a bonus's posting: it cannot be posted twice."""
    return ledger.key(ACTOR, f"{code}\n{ref}")


# Deciding


def _decided(
    session: Session, world: World, programme: Programme, asked: Asked, member: Member
) -> tuple[Before, Given | None]:
    """What was given before, and this very bonus if it was; the refusals of the rule and of the line."""
    (before,) = _before(session, [asked])
    if before.is_there:
        return before, _there(session, world, [asked])[asked.place]
    told = attributes.of_many(session, [member.member_id]).get(member.member_id, attributes.NOTHING_KNOWN)
    deciding.check(asked, Condition.of(member, told), before)
    state = ledger.read(session, member.member_id).state
    standing.ask(session, member, state, programme, world.today, Action.EARN)
    return before, None


def _each(
    world: World, wanted: Sequence[Wanted], known: dict[int, Member]
) -> tuple[dict[int, Asked], dict[int, Given | Problem]]:
    """What each request alone decides: bonuses that may be decided on, by their number in the batch, and refusals."""
    asked: dict[int, Asked] = {}
    refused: dict[int, Given | Problem] = {}
    for number, one in enumerate(wanted):
        try:
            asked[number] = deciding.asked(world, one)
            if one.member_id not in known:
                del asked[number]
                raise MemberUnknown()
        except Problem as refusal:
            refused[number] = refusal
    return asked, refused


def _good(
    session: Session,
    programme: Programme,
    asked: dict[int, Asked],
    known: dict[int, Member],
    before: dict[int, Before],
    today: date,
) -> tuple[dict[int, Asked], dict[int, Problem]]:
    """Those that rule and line give, each as if those before it were given; and the refusals of the others."""
    members = sorted({one.wanted.member_id for one in asked.values()})
    told, barred = attributes.of_many(session, members), _barred(session, programme, known, members, today)
    counts, good, refused = Counts(), dict[int, Asked](), dict[int, Problem]()
    for number, one in asked.items():
        member_id = one.wanted.member_id
        try:
            if member_id in barred:
                raise barred[member_id]
            who = Condition.of(known[member_id], told.get(member_id, attributes.NOTHING_KNOWN))
            deciding.check(one, who, counts.on_top(one, before[number]))
        except Problem as refusal:
            refused[number] = refusal
        else:
            counts.add(one)
            good[number] = one
    return good, refused


def _barred(
    session: Session, programme: Programme, known: dict[int, Member], members: Iterable[int], today: date
) -> dict[int, Problem]:
    """Members whose line takes no points, with the refusal. What a line earns follows its wallet's state (decision 0021),
    so only the few whose wallet is not open are asked.
    """
    rows = database.driver(session).execute(
        "select member_id, state from wallet where member_id = any(%s::bigint[]) and state <> %s",
        (list(members), int(State.OPEN)),
    )
    found: dict[int, Problem] = {}
    for member_id, state in rows.fetchall():
        try:
            standing.ask(session, known[member_id], State(state), programme, today, Action.EARN)
        except Problem as refusal:
            found[member_id] = refusal
    return found


# Reading


def _member(session: Session, programme: Programme, member_id: int) -> Member:
    """The member, who must be in the programme; MemberUnknown."""
    found = _members(session, programme, {member_id}).get(member_id)
    if found is None:
        raise MemberUnknown()
    return found


def _members(session: Session, programme: Programme, members: Iterable[int]) -> dict[int, Member]:
    asked = select(Member).where(
        Member.programme_id == programme.programme_id, Member.member_id.in_(sorted(members))
    )
    return {member.member_id: member for member in session.scalars(asked)}


def _before(session: Session, asked: Sequence[Asked]) -> list[Before]:
    """What was given before each of these; one statement. Exact where the wallets were locked in an earlier one."""
    rows = database.driver(session).execute(
        "select k.n, "
        "coalesce((select max(nth) from bonus b where b.member_id = k.m and b.code = k.c), 0), "
        "coalesce((select max(nth_of_day) from bonus b where b.member_id = k.m and b.code = k.c and b.on_day = k.d), 0), "
        "exists (select from bonus b where b.member_id = k.m and b.code = k.c and b.ref = k.r) "
        "from unnest(%s::bigint[], %s::bigint[], %s::text[], %s::date[], %s::text[]) k(n, m, c, d, r)",
        (
            list(range(len(asked))),
            [one.wanted.member_id for one in asked],
            [one.rule.code for one in asked],
            [one.wanted.on for one in asked],
            [one.ref for one in asked],
        ),
    )
    found = {number: Before(*rest) for number, *rest in rows}
    return [found[number] for number in range(len(asked))]


def _there(session: Session, world: World, asked: Sequence[Asked]) -> dict[Place, Given]:
    """The bonuses that were given for the same things before, each under the rule of its own day."""
    if not asked:
        return {}
    of_id = {rule.rule_id: rule for rule in world.rules}
    lives = {policy.policy_id: policy for policy in world.policies.expiry}
    places = [one.place for one in asked]
    rows = session.scalars(select(Bonus).where(tuple_(Bonus.member_id, Bonus.code, Bonus.ref).in_(places)))
    return {
        (row.member_id, row.code, row.ref): Given(
            of_id[row.rule_id], row.member_id, row.points, row.on_day, row.ref, row.seq,
            lots.last_day(policies.lot_key(lives[row.policy_id], row.on_day)), row.nth, row.nth_of_day, repeated=True,
        )
        for row in rows
    }  # fmt: skip


# Writing


def _request(asked: Asked, programme: Programme, at: datetime) -> Request:
    return Request(
        asked.wanted.member_id,
        posting_key(asked.rule.code, asked.ref),
        Kind.EARN,
        asked.points,
        at,
        programme.zone,
        lot_key=asked.lot_key,
        version_id=asked.rule.rule_id,
        ref=f"bonus {asked.rule.code}",
    )


def _given(asked: Asked, answer: Answer, before: Before) -> Given:
    deed = answer.deed
    assert deed is not None
    return Given(
        asked.rule, asked.wanted.member_id, deed.amount, asked.wanted.on, asked.ref, deed.seq,
        asked.last_day, before.of_campaign + 1, before.of_day + 1,
    )  # fmt: skip


def _keep(session: Session, done: Sequence[tuple[Given, Asked]], at: datetime) -> None:
    """All bonuses in one statement; columns travel as arrays."""
    given = [one for one, _ in done]
    database.driver(session).execute(
        "insert into bonus (member_id, code, ref, rule_id, policy_id, seq, points, at, on_day, nth, nth_of_day) "
        "select m, c, r, rule, policy, s, p, %s::timestamptz, d, n, o from unnest(%s::bigint[], %s::text[], %s::text[], "
        "%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::date[], %s::bigint[], %s::bigint[]) "
        "k(m, c, r, rule, policy, s, p, d, n, o)",
        (
            at,
            [one.member_id for one in given],
            [one.rule.code for one in given],
            [one.ref for one in given],
            [one.rule.rule_id for one in given],
            [asked.policy_id for _, asked in done],
            [one.seq for one in given],
            [one.points for one in given],
            [one.on for one in given],
            [one.nth for one in given],
            [one.nth_of_day for one in given],
        ),
    )
