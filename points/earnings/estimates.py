"""What would this bill earn? Rated by the function that rates bill files; reads the rules and writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from points import explain, policies, rating
from points.explain import Reckoning, Sentence
from points.factors import Circumstances
from points.members import attributes, members
from points.models import EarnFactor, Programme
from points.tiers import ladders


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of the bill in question; amounts in fen, `paid_fen` None: all of it is paid."""

    line_type: str
    amount_fen: int
    waived_fen: int = 0
    paid_fen: int | None = None


@dataclass(frozen=True, slots=True)
class Estimated:
    """What a line would earn: at once, once the rest is paid, into which lot, by which factors, as one sentence."""

    points: int
    pending: int
    lot_key: int
    factors: tuple[EarnFactor, ...]
    explanation: Sentence


def of_member(session: Session, member_id: int, on: date) -> Circumstances:
    """What a member is on a day, as far as factors ask for it; MemberUnknown."""
    member = members.by_id(session, member_id)
    found = ladders.load(session, member.programme_id)
    known = attributes.of_many(session, [member_id], found).get(member_id, attributes.NOTHING_KNOWN)
    return known.circumstances(member.joined_on, on)


def estimate(
    session: Session, programme: Programme, lines: Sequence[Asked], on: date, customer: Circumstances
) -> list[Estimated]:
    """What lines of a bill of that day would earn such a customer; NoRuleInForce for a type without a rule."""
    versions = policies.load(session, programme.programme_id)
    found = []
    for line in lines:
        terms = rating.terms(versions, line.line_type, on)
        worth = rating.rate(terms, line.amount_fen, line.waived_fen, line.paid_fen, lambda: customer)
        reckoning = Reckoning(
            "",
            0,
            line.amount_fen,
            line.waived_fen,
            terms.rule.points,
            terms.rule.per_fen,
            programme.currency,
            worth.factors,
            line.paid_fen,
        )
        found.append(
            Estimated(
                points=worth.earned,
                pending=worth.points - worth.earned,
                lot_key=terms.lot_key,
                factors=worth.factors,
                explanation=explain.question(reckoning),
            )
        )
    return found
