"""A shop of the demo gives points: terms that two persons wrote and its owner confirmed, a pack it bought, purchases of these days."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock
from base.approvals import approvals
from base.approvals.approvals import Case
from base.auth.principals import Staff
from merchants import merchants, terms
from merchants.acceptances import Place
from merchants.agreements import proposals, wanted
from merchants.earnings import earnings, events
from merchants.models import WARN, Merchant, Terms
from merchants.packs import proposals as packs
from merchants.scope import Reach
from merchants.terminals.models import CLERK, OWNER, ClerkRow, Terminal
from points import programmes
from points.lines import standing
from points.lines.matrix import Action
from points.members import members
from points.members.models import Member, MemberFacts

AGO = timedelta(days=12)
EACH = timedelta(hours=18)
AMOUNTS_FEN = (3_600, 12_850, 8_800, 2_650, 21_000, 5_990, 15_500, 4_200, 9_900, 30_000, 6_600, 7_450)
UNDONE = 4  # this purchase was brought back an hour later
PACK_POINTS, PACK_FEN = 1_000, 1_000
GIVES = {"points_per_100_yuan": 100, "issuing_fen": 1_200, "issuing_rule": WARN}


def make(session: Session, shop: str, maker: Staff, checker: Staff, at: datetime) -> None:
    """Terms and pack twelve days ago, then a purchase each eighteen hours; the pack does not suffice for all of them."""
    merchant, began = merchants.by_code(session, shop), at - AGO
    with clock.stopped(began):
        _agree(session, merchant, maker, checker, began)
    place = _place(session, merchant)
    for number, (member, amount_fen) in enumerate(
        zip(_buyers(session, merchant, began), AMOUNTS_FEN, strict=False), 1
    ):
        bought_at = began + timedelta(days=2) + number * EACH
        with clock.stopped(bought_at):
            _buy(session, member, place, amount_fen, bought_at, undone=number == UNDONE)


def _agree(session: Session, merchant: Merchant, maker: Staff, checker: Staff, at: datetime) -> None:
    tomorrow = clock.day(at, merchant.zone) + timedelta(days=1)
    present = terms.in_force(session, merchant.merchant_id, tomorrow)
    same = {name: getattr(present, name) for name in wanted.Wanted.__dataclass_fields__ if name != "prices"}
    said = replace(wanted.Wanted(**same | GIVES), from_day=tomorrow, prices=proposals.prices_of(present))
    _approve(session, checker, proposals.propose(session, maker, merchant, said, "points for guests", at), at)
    version = proposals.listed(session, merchant.merchant_id, limit=1)[0]
    owner = session.scalars(
        select(ClerkRow).where(ClerkRow.merchant_id == merchant.merchant_id, ClerkRow.role == OWNER)
    ).one()
    reach = Reach(merchant.merchant_id, None, owner.clerk_id, OWNER, f"clerk:{owner.clerk_id}")
    proposals.agree(session, reach, proposals.public_id(version), at)
    pack = packs.Wanted(PACK_POINTS, PACK_FEN, tomorrow, None, "DEMO-PACK-1")
    _approve(session, checker, packs.propose(session, maker, merchant, pack, "bought", at), at)


def _approve(session: Session, checker: Staff, case: Case, at: datetime) -> None:
    approvals.approve(session, checker, case.proposal.proposal_id, case.proposal.content_hash.hex(), at)


def _place(session: Session, merchant: Merchant) -> Place:
    terminal = session.scalars(
        select(Terminal).where(Terminal.merchant_id == merchant.merchant_id).order_by(Terminal.terminal_id)
    ).first()
    clerk = session.scalars(
        select(ClerkRow).where(ClerkRow.merchant_id == merchant.merchant_id, ClerkRow.role == CLERK)
    ).first()
    assert terminal is not None
    assert clerk is not None
    return Place(merchant.merchant_id, terminal.outlet_id, terminal.terminal_id, clerk.clerk_id)


def _buyers(session: Session, merchant: Merchant, since: datetime) -> Sequence[Member]:
    """Members whose line may earn, the longest there first, each with one purchase."""
    asked = (
        select(Member)
        .join(MemberFacts, MemberFacts.member_id == Member.member_id)
        .where(
            Member.left_on.is_(None),
            Member.joined_on < clock.day(since, merchant.zone),
            MemberFacts.kind == "person",
        )
        .order_by(Member.joined_on, Member.member_id)
        .limit(4 * len(AMOUNTS_FEN))
    )
    return [
        one for one in session.scalars(asked) if standing.allows(session, one.member_id, Action.EARN, since)
    ]


def _buy(
    session: Session, member: Member, place: Place, amount_fen: int, at: datetime, *, undone: bool
) -> None:
    programme = programmes.by_id(session, members.by_id(session, member.member_id).programme_id)
    made = earnings.give(session, member, programme, place, amount_fen, at)
    events.given(session, made)
    if undone:
        later = at + timedelta(hours=1)
        version = session.get_one(Terms, made.earning.terms_id)
        zone = merchants.zone_of(session, place.merchant_id)
        if later < earnings.reversible_until(made.earning, version, zone):
            back = earnings.reverse(session, made.earning, programme, place, "goods came back", later)
            events.taken_back(session, made.earning, back)
