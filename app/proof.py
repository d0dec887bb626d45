"""Every rule that `jifen verify` holds the books against, package by package."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from sqlalchemy.orm import Session

from admin.analytics import verify as analytics_verify
from admin.books import verify as books_verify
from admin.care import verify as care_tasks_verify
from admin.contacts import verify as contacts_verify
from admin.halts import verify as halts_verify
from admin.proofs import verify as proofs_verify
from admin.replay import verify as replay_verify
from admin.tickets import verify as tickets_verify
from base import audit_proof
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
from catalog.ratings import verify as ratings_verify
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
from points.freezes import verify as freezes_verify
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
    for part in parts(progress, members):
        yield from part(session)


def parts(
    progress: points_verify.Progress = lambda n: None, members: Sequence[int] | None = None
) -> tuple[Callable[[Session], Iterator[Finding]], ...]:
    """The same package by package, for who asks some of them alone; no part needs another one."""
    return (
        partial(points_verify.findings, progress=progress, members=members),
        partial(bill_proof.findings, members=members),
        gifts_verify.findings,
        freezes_verify.findings,
        members_verify.findings,
        companions_verify.findings,
        erasures_verify.findings,
        groups_verify.findings,
        lines_verify.findings,
        segments_verify.findings,
        approvals_verify.findings,
        halts_verify.findings,
        audit_proof.findings,
        replay_verify.findings,
        adjustments_verify.findings,
        merges_verify.findings,
        announcements_verify.findings,
        entitlements_verify.findings,
        bonuses_verify.findings,
        goodwill_verify.findings,
        tiers_verify.findings,
        care_verify.findings,
        notices_verify.findings,
        told_verify.findings,
        webhooks_verify.findings,
        opening_verify.findings,
        earn_rules_verify.findings,
        rates_verify.findings,
        catalog_verify.findings,
        disputes_verify.findings,
        goods_verify.findings,
        bundles_verify.findings,
        stock_verify.findings,
        budgets_verify.findings,
        events_verify.findings,
        perks_verify.findings,
        trial_cards_verify.findings,
        ratings_verify.findings,
        voucher_gifts_verify.findings,
        reversals_verify.findings,
        cash_verify.findings,
        publishing_verify.findings,
        merchants_verify.findings,
        payouts_verify.findings,
        packs_verify.findings,
        merchant_earnings_verify.findings,
        books_verify.findings,
        analytics_verify.findings,
        tickets_verify.findings,
        contacts_verify.findings,
        care_tasks_verify.findings,
        proofs_verify.findings,
    )
