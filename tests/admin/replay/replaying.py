"""What tests of replays share: a past of redemptions made by the real rules, drafts, and a replay from asking to report."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

from admin.replay import job, runs
from admin.replay.models import ReplayRun
from base import clock, database, ids
from base.approvals import approvals
from base.approvals.approvals import NO_MEMBER, Kind
from base.approvals.models import Proposal
from catalog.offers.models import Offer
from catalog.rates import proposals
from catalog.rates.proposals import Wanted
from catalog.rates.rates import Row
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import By
from tests.given import ZONE, given_person

TODAY = clock.day(clock.now(), ZONE)
SOON = TODAY + timedelta(days=1)


def redeemed(member_id: int, offer: Offer, days_ago: int, units: int = 1) -> int:
    """A redemption that a member made so many days ago; the points that it took."""
    at = clock.start_of(TODAY - timedelta(days=days_ago), ZONE) + timedelta(hours=10)
    with clock.stopped(at), database.begin() as session:
        quote = quotes.make(session, member_id, offer.offer_id, units, at, 600).quote
        made = redemptions.redeem(session, member_id, quote.quote_id, By(f"member:{member_id}", "api"), at)
        return made.price_points


def proposed(*rows: Row, reason: str = "a new year", programme: str = "gotone") -> Proposal:
    """A grid of rates that one person proposes."""
    with database.begin() as session:
        wanted = Wanted(programme, rows, reason)
        return proposals.propose(session, given_person("editor"), wanted, clock.now()).proposal


def offered(offer: Offer | None, programme: str = "gotone", **content: Any) -> Proposal:
    """A version of an offer that one person proposes, in the words of such a proposal."""
    kind = offer.kind if offer else "perk"
    said = {
        "draft": "drf_x", "revision": 1, "programme": programme, "versions": 1, "before": None,
        "offer": ids.public("off", offer.offer_id) if offer else None, "offer_kind": kind,
        "code": offer.code if offer else "brand-new", "whole_cost_fen": None,
        "content": {"value_fen": 1000, "cost_fen": 900, "most_units": 10, "merchant": None} | content,
    }  # fmt: skip
    stand_in = Kind("offer", lambda *_: None, "rates:propose", "rates:approve")
    with patch.dict(approvals._kinds, {"offer": stand_in}), database.begin() as session:
        return approvals.propose(
            session, given_person("editor"), "offer", said, member_id=NO_MEMBER, at=clock.now()
        ).proposal


def asked(proposal: Proposal, months: int = 3) -> ReplayRun:
    with database.begin() as session:
        return runs.begin(session, proposal, months, clock.now(), "test")


def replayed(proposal: Proposal, months: int = 3) -> dict[str, Any]:
    """The report of a replay, done at once."""
    run = asked(proposal, months)
    job.run(run.replay_id)
    with database.begin() as session:
        report = runs.find(session, run.replay_id).report
    assert report is not None
    return report


def approve(proposal: Proposal) -> None:
    with database.begin() as session:
        seen = proposal.content_hash.hex()
        approvals.approve(session, given_person("checker"), proposal.proposal_id, seen, clock.now())
