"""What the operator's systems ask of a wallet directly: earn, redeem, set aside, capture, release, reverse, take back.

The ledger is the only store. An operation's key is the ledger's own, so its answer is made of the same postings today and
in ten years; and an operation names the one that it follows by that one's key, so a system can only follow its own.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, database, packed
from base.errors import Invalid, NotFound, Problem
from points import deeds, ledger, policies
from points.deeds import Request
from points.kinds import FOLLOWS, Kind
from points.ledger import Answer
from points.members.members import MemberUnknown
from points.members.models import Member
from points.models import Programme
from points.policies import Policies

KINDS = {
    kind.name.lower(): kind
    for kind in (Kind.EARN, Kind.UNEARN, Kind.REDEEM, Kind.HOLD, Kind.CAPTURE, Kind.RELEASE, Kind.REVERSE)
}
ISSUES = frozenset({Kind.EARN, Kind.UNEARN})  # points arise or vanish
MOST = 500


class OperationUnknown(NotFound):
    """There is no operation of yours under that key which this one could follow."""

    zh = "没有可供本操作引用的该键的操作。"
    next_en = "Send in `of` the key of your own earlier operation on the same member."
    next_zh = "请在 of 中填写您对同一会员先前操作的键。"


class DayNotHere(Invalid):
    """The business day of an earning must be given, and may not lie in the future."""

    zh = "获得积分须注明业务日期，且不得晚于今天。"


class HoldEndsInThePast(Invalid):
    """A hold must end in the future."""

    zh = "预留的截止时间须晚于现在。"


class Operation(NamedTuple):
    """One operation on a member. `of`: the key of the one it follows; `on`: the business day of an earning.

    `points` 0 with one that follows means all that is left of the other one.
    """

    member_id: int
    key: str
    kind: Kind
    points: int
    of: str | None = None
    on: date | None = None
    lot_class: int = policies.PROMOTION_POINTS
    ends_at: datetime | None = None
    value_fen: int | None = None
    ref: str | None = None


def do(programme: Programme, actor: str, operation: Operation) -> Answer:
    """One operation in a transaction of its own, kept when this returns. Safe to repeat under the same key."""
    with database.begin() as session:
        known = _members(session, programme, [operation])
        versions = policies.load(session, programme.programme_id)
        request = _request(
            programme, versions, actor, operation, known, _originals(session, actor, [operation])
        )
    return ledger.post_alone(request)


def do_many(
    session: Session, programme: Programme, actor: str, operations: Sequence[Operation]
) -> list[Answer | Problem]:
    """Many operations in the caller's transaction, an answer or refusal each in the order given. Safe to repeat.

    An operation may follow another of the same batch, wherever that stands: it is then done after it.
    """
    known = _members(session, programme, operations)
    versions = policies.load(session, programme.programme_id)
    answers: dict[int, Answer | Problem] = {}
    waiting = dict(enumerate(operations))
    while waiting:
        to_come = {(each.member_id, each.key) for each in waiting.values()}
        ready = {n: each for n, each in waiting.items() if (each.member_id, each.of) not in to_come}
        ready = ready or waiting  # those left follow each other in a ring: they will be refused
        found = _originals(session, actor, ready.values())
        requests: dict[int, Request] = {}
        for number, operation in ready.items():
            try:
                requests[number] = _request(programme, versions, actor, operation, known, found)
            except Problem as refusal:
                answers[number] = refusal
        answers |= zip(requests, ledger.post_many(session, list(requests.values())), strict=True)
        waiting = {n: each for n, each in waiting.items() if n not in ready}
    return [answers[number] for number in range(len(operations))]


def _request(
    programme: Programme,
    versions: Policies,
    actor: str,
    operation: Operation,
    known: set[int],
    originals: dict[tuple[int, str], int],
) -> Request:
    """The ledger's request; MemberUnknown, OperationUnknown, DayNotHere, HoldEndsInThePast, NoRuleInForce."""
    at, kind = clock.now(), operation.kind
    if operation.member_id not in known:
        raise MemberUnknown()
    original = originals.get((operation.member_id, operation.of or ""))
    if (kind in FOLLOWS) != (original is not None) or (operation.of is not None and original is None):
        raise OperationUnknown()
    if operation.ends_at is not None and operation.ends_at <= at:
        raise HoldEndsInThePast()
    version_id, lot_key = 0, 0
    if kind is Kind.EARN:
        if operation.on is None or operation.on > clock.day(at, programme.zone):
            raise DayNotHere()
        policy = versions.expiry_policy(operation.lot_class, operation.on)
        version_id, lot_key = policy.policy_id, policies.lot_key(policy, operation.on)
    return Request(
        member_id=operation.member_id,
        idem=ledger.key(actor, operation.key),
        kind=kind,
        points=operation.points,
        at=at,
        zone=programme.zone,
        lot_key=lot_key,
        rev_of=original,
        ends_at=operation.ends_at if kind is Kind.HOLD else None,
        version_id=version_id,
        value_fen=operation.value_fen,
        ref=operation.ref,
    )


def _members(session: Session, programme: Programme, operations: Sequence[Operation]) -> set[int]:
    """Those of the members that are in the programme."""
    asked = {operation.member_id for operation in operations}
    return set(
        session.scalars(
            select(Member.member_id).where(
                Member.programme_id == programme.programme_id, Member.member_id.in_(asked)
            )
        )
    )


def _originals(session: Session, actor: str, operations: Iterable[Operation]) -> dict[tuple[int, str], int]:
    """The number of the posting behind each key that is followed."""
    named = {
        (each.member_id, ledger.key(actor, each.of)): each.of for each in operations if each.of is not None
    }
    if not named:
        return {}
    rows = database.driver(session).execute(
        "select p.member_id, p.idem, p.seq from unnest(%s, %s) k(m, i) "
        "join posting p on p.member_id = k.m and p.idem = k.i where p.kind <> all(%s) order by p.part desc",
        (
            packed.int8s([member_id for member_id, _ in named]),
            packed.uuids([idem for _, idem in named]),
            packed.int2s(deeds.BESIDE),
        ),
    )
    return {(member_id, named[member_id, idem]): seq for member_id, idem, seq in rows}
