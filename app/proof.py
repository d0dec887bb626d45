"""Every rule that `jifen verify` holds the books against, package by package."""

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from admin.analytics import verify as analytics_verify
from admin.books import verify as books_verify
from admin.replay import verify as replay_verify
from base.approvals import verify as approvals_verify
from base.findings import Finding
from base.notices import verify as notices_verify
from base.webhooks import verify as webhooks_verify
from catalog import verify as catalog_verify
from catalog.budgets import verify as budgets_verify
from catalog.bundles import verify as bundles_verify
from catalog.cash import verify as cash_verify
from catalog.disputes import verify as disputes_verify
from catalog.events import verify as events_verify
from catalog.gifts import verify as voucher_gifts_verify
from catalog.goods import verify as goods_verify
from catalog.perks import verify as perks_verify
from catalog.publishing import verify as publishing_verify
from catalog.rates import verify as rates_verify
from catalog.reversals import verify as reversals_verify
from catalog.stock import verify as stock_verify
from catalog.trial_cards import verify as trial_cards_verify
from merchants import verify as merchants_verify
from merchants.earnings import verify as merchant_earnings_verify
from merchants.packs import verify as packs_verify
from merchants.payouts import verify as payouts_verify
from points import bill_proof
from points import verify as points_verify
from points.adjustments import verify as adjustments_verify
from points.announcements import verify as announcements_verify
from points.bonuses import verify as bonuses_verify
from points.care import verify as care_verify
from points.companions import verify as companions_verify
from points.earn_rules import verify as earn_rules_verify
from points.entitlements import verify as entitlements_verify
from points.erasures import verify as erasures_verify
from points.gifts import verify as gifts_verify
from points.goodwill import verify as goodwill_verify
from points.groups import verify as groups_verify
from points.lines import verify as lines_verify
from points.members import verify as members_verify
from points.merges import verify as merges_verify
from points.notices import verify as told_verify
from points.opening import verify as opening_verify
from points.segments import verify as segments_verify
from points.tiers import verify as tiers_verify


def findings(
    session: Session,
    progress: points_verify.Progress = lambda n: None,
    members: Sequence[int] | None = None,
) -> Iterator[Finding]:
    """Every rule of every package; with `members` the ledger's and the bills' for them alone, the others whole."""
    yield from points_verify.findings(session, progress, members)
    yield from bill_proof.findings(session, members)
    yield from gifts_verify.findings(session)
    yield from members_verify.findings(session)
    yield from companions_verify.findings(session)
    yield from erasures_verify.findings(session)
    yield from groups_verify.findings(session)
    yield from lines_verify.findings(session)
    yield from segments_verify.findings(session)
    yield from approvals_verify.findings(session)
    yield from replay_verify.findings(session)
    yield from adjustments_verify.findings(session)
    yield from merges_verify.findings(session)
    yield from announcements_verify.findings(session)
    yield from entitlements_verify.findings(session)
    yield from bonuses_verify.findings(session)
    yield from goodwill_verify.findings(session)
    yield from tiers_verify.findings(session)
    yield from care_verify.findings(session)
    yield from notices_verify.findings(session)
    yield from told_verify.findings(session)
    yield from webhooks_verify.findings(session)
    yield from opening_verify.findings(session)
    yield from earn_rules_verify.findings(session)
    yield from rates_verify.findings(session)
    yield from catalog_verify.findings(session)
    yield from disputes_verify.findings(session)
    yield from goods_verify.findings(session)
    yield from bundles_verify.findings(session)
    yield from stock_verify.findings(session)
    yield from budgets_verify.findings(session)
    yield from events_verify.findings(session)
    yield from perks_verify.findings(session)
    yield from trial_cards_verify.findings(session)
    yield from voucher_gifts_verify.findings(session)
    yield from reversals_verify.findings(session)
    yield from cash_verify.findings(session)
    yield from publishing_verify.findings(session)
    yield from merchants_verify.findings(session)
    yield from payouts_verify.findings(session)
    yield from packs_verify.findings(session)
    yield from merchant_earnings_verify.findings(session)
    yield from analytics_verify.findings(session)
    yield from books_verify.findings(session)
