"""Puts the packages together: who holds a sign-in, which function a job's name stands for, what `verify` checks."""

from collections.abc import Iterator, Sequence
from functools import partial

from sqlalchemy.orm import Session

from admin.replay import asking as replay_asking
from admin.replay import guard as replay_guard
from admin.replay import job as replay_job
from admin.replay import reading as replay_reading
from admin.replay import verify as replay_verify
from admin.staff import staff
from base import cache, clock, database, jobs
from base.approvals import approvals, beside
from base.approvals import verify as approvals_verify
from base.auth import sign_ins
from base.config import Config
from base.findings import Finding
from base.notices import handing
from base.notices import verify as notices_verify
from base.notices.notices import TASK as NOTICE_TASK
from base.webhooks import deliveries, replays
from base.webhooks import programmes as webhook_programmes
from base.webhooks import verify as webhooks_verify
from base.webhooks.endpoints import WAKE_TASK
from base.webhooks.webhooks import TASK as DELIVER_TASK
from catalog import verify as catalog_verify
from catalog.bill_credit import credits
from catalog.budgets import proposals as budgets
from catalog.budgets import verify as budgets_verify
from catalog.bundles import bundles
from catalog.bundles import parts as bundle_parts
from catalog.bundles import verify as bundles_verify
from catalog.cash import job as cash_job
from catalog.cash import parts
from catalog.cash import verify as cash_verify
from catalog.events import forms as event_forms
from catalog.events import job as events_job
from catalog.events import seats
from catalog.events import verify as events_verify
from catalog.gifts import giving
from catalog.gifts import job as voucher_gifts_job
from catalog.gifts import verify as voucher_gifts_verify
from catalog.goods import following as goods_following
from catalog.goods import goods
from catalog.goods import verify as goods_verify
from catalog.offers import forms
from catalog.offers.models import BILL_CREDIT, BUNDLE, EVENT, GIFT, GOODS, PERK, SERVICE, TRIAL_CARD
from catalog.perks import forms as perk_forms
from catalog.perks import perks
from catalog.perks import uses as perk_uses
from catalog.perks import verify as perks_verify
from catalog.publishing import proposals as offer_proposals
from catalog.publishing import verify as publishing_verify
from catalog.rates import proposals as rate_proposals
from catalog.rates import verify as rates_verify
from catalog.redemptions import courses, ordering, redemptions, undoing
from catalog.reversals import reversals
from catalog.reversals import verify as reversals_verify
from catalog.services import orders as services
from catalog.stock import corrections as stock_corrections
from catalog.stock import verify as stock_verify
from catalog.trial_cards import trial_cards
from catalog.trial_cards import verify as trial_cards_verify
from catalog.vouchers import issuing
from catalog.vouchers.codes import Keys
from merchants import verify as merchants_verify
from merchants.terminals import clerks
from points import bill_proof, programmes
from points import verify as points_verify
from points.adjustments import adjustments
from points.adjustments import verify as adjustments_verify
from points.announcements import announcements
from points.announcements import verify as announcements_verify
from points.bonuses import rules as bonus_rules
from points.bonuses import verify as bonuses_verify
from points.care import care
from points.care import verify as care_verify
from points.companions import verify as companions_verify
from points.earn_rules import earn_rules
from points.earn_rules import verify as earn_rules_verify
from points.entitlements import rules as entitlement_rules
from points.entitlements import verify as entitlements_verify
from points.erasures import erasures
from points.erasures import verify as erasures_verify
from points.gifts import job as gifts_job
from points.gifts import verify as gifts_verify
from points.gifts.gifts import TASK as GIFT_TASK
from points.goodwill import goodwill
from points.goodwill import verify as goodwill_verify
from points.groups import verify as groups_verify
from points.lines import verify as lines_verify
from points.members import members, scope
from points.members import sign_in as member_sign_in
from points.members import verify as members_verify
from points.merges import job as merges_job
from points.merges import merges
from points.merges import verify as merges_verify
from points.notices import debits
from points.notices import verify as told_verify
from points.opening import opening
from points.opening import verify as opening_verify
from points.segments import verify as segments_verify
from points.tiers import grants, proposals
from points.tiers import verify as tiers_verify


def wire(config: Config, *, pool_size: int | None = None, statement_timeout_ms: int = 5_000) -> None:
    """Connect this process to its database and cache, and hand lower packages what they need from upper ones."""
    if config.database_url is None:
        raise RuntimeError("no database: DATABASE_URL is not set and no local one was started")
    database.connect(
        config.database_url,
        pool_size=pool_size or config.web_threads,
        statement_timeout_ms=statement_timeout_ms,
    )
    cache.connect(config.redis_url)
    sign_ins.held_by("member", member_sign_in.holder)
    sign_ins.held_by("clerk", clerks.holder)
    sign_ins.held_by("staff", staff.holder)
    care.persons_by(staff.person)
    for course in (
        credits.COURSE,
        issuing.course(Keys.of(config)),
        seats.COURSE,
        perks.COURSE,
        trial_cards.course(Keys.of(config)),
        giving.course(config),
    ):
        courses.register(course)
    for kind, check in (
        (EVENT, event_forms.check),
        (PERK, perk_forms.check),
        (TRIAL_CARD, trial_cards.check_form),
        (GIFT, giving.check_form),
    ):
        forms.register(kind, check)
    jobs.register(perk_uses.TASK, partial(perk_uses.run, config))
    jobs.register(giving.TASK, partial(voucher_gifts_job.run, config))
    ordering.register(BILL_CREDIT, credits.PORT)
    undoing.register(BILL_CREDIT, credits.BACK, on=config.billing_adjusts)
    _goods_services_bundles(config)
    jobs.register(seats.TASK, partial(events_job.run, config))
    cash_course = cash_job.Course(paid=redemptions.paid, gave_up=redemptions.not_paid)
    jobs.register(parts.TASK, partial(cash_job.step, config, cash_course))
    jobs.repeat("missed", _note_missed, every_s=600)
    jobs.register(ordering.TASK, partial(ordering.run, config))
    jobs.register(undoing.TASK, partial(undoing.run, config))
    jobs.register(goods.TASK, partial(goods_following.run, config))
    jobs.register(GIFT_TASK, partial(gifts_job.run, config))
    jobs.register(merges.TASK, merges_job.run)
    jobs.register(NOTICE_TASK, partial(handing.run, config))
    jobs.register(DELIVER_TASK, partial(deliveries.run, config))
    jobs.register(replays.REPLAY_TASK, replays.run)
    jobs.register(WAKE_TASK, replays.wake)
    webhook_programmes.known_by(
        webhook_programmes.Known(
            of_member=lambda session, member_id: members.by_id(session, member_id).programme_id,
            by_code=lambda session, code: programmes.by_code(session, code).programme_id,
            code_of=lambda session, programme_id: programmes.by_id(session, programme_id).code,
        )
    )
    jobs.repeat("debits", partial(_tell_debits, config), every_s=30)
    approvals.scoped_by(scope.rule)
    for topic in (
        adjustments,
        announcements,
        merges,
        entitlement_rules,
        bonus_rules,
        goodwill,
        trial_cards,
        erasures,
        opening,
        stock_corrections,
        reversals,
        budgets,
    ):
        approvals.register(approvals.Kind(topic.KIND, topic.carry_out, topic.PROPOSES, topic.APPROVES))
    for changes in (rate_proposals, earn_rules):
        approvals.register(
            approvals.Kind(changes.KIND, changes.carry_out, changes.PROPOSES, changes.APPROVES)
        )
    approvals.register(
        approvals.Kind(
            offer_proposals.KIND,
            offer_proposals.carry_out,
            offer_proposals.PROPOSES,
            offer_proposals.APPROVES,
            checkers=offer_proposals.checkers,
        )
    )
    approvals.register(
        approvals.Kind(proposals.KIND, proposals.carry_out, proposals.PROPOSES, proposals.APPROVES)
    )
    approvals.register(
        approvals.Kind(grants.KIND, partial(grants.carry_out, config), grants.PROPOSES, grants.APPROVES)
    )
    jobs.register(replay_job.TASK, replay_job.run)
    for kind in replay_reading.KINDS:
        beside.register(kind, replay_asking.beside)
    for kind in replay_reading.NEEDED_BY:  # after these kinds were registered
        approvals.guarded_by(kind, replay_guard.check)


def _goods_services_bundles(config: Config) -> None:
    """What other systems send or switch on, alone and in bundles."""
    for course in (services.COURSE, goods.course_of(config.seal_key), bundles.course_of(config.seal_key)):
        courses.register(course)
    ordering.register(SERVICE, services.PORT)
    ordering.register(GOODS, goods.port(config.seal_key))
    ordering.register(BUNDLE, bundles.port(Keys.of(config)))
    forms.register(SERVICE, services.check_form)
    forms.register(GOODS, goods.check_form)
    forms.register(BUNDLE, bundle_parts.check_form, bundle_parts.check_against)


def _tell_debits(config: Config) -> bool:
    """Tell the next debits; whether there are more at once."""
    at = clock.now()
    with database.begin() as session:
        until = debits.horizon(session, at)
        return debits.step(session, config, redemptions.names_of_references, until, at).more


def _note_missed() -> bool:
    """Note who did not come to events; whether there are more at once."""
    with database.begin() as session:
        return events_job.note_missed(session, clock.now())


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
