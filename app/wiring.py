"""Puts the packages together: who holds a sign-in, which function a job's name stands for, who approves what."""

from datetime import timedelta
from functools import partial

from admin.analytics import job as retention_job
from admin.analytics import mix_targets, taking
from admin.analytics import tasks as retention_tasks
from admin.books import breakage
from admin.care import opening as care_opening
from admin.care import visits
from admin.halts import resuming
from admin.intake import intake
from admin.intake import job as intake_job
from admin.intake import tasks as intake_tasks
from admin.proofs import drawing, proofs
from admin.replay import asking as replay_asking
from admin.replay import guard as replay_guard
from admin.replay import job as replay_job
from admin.replay import reading as replay_reading
from admin.staff import access, entries, signing_in, staff
from admin.tickets import climbing
from app import kinds, proving
from app.member import own_data
from base import cache, clock, database, failpoints, jobs
from base.approvals import approvals, beside
from base.auth import app_tokens, guard, leftovers, sign_ins, signatures
from base.config import Config
from base.maintenance import maintenance
from base.notices import counting, handing
from base.notices import proposals as notice_proposals
from base.notices.notices import TASK as NOTICE_TASK
from base.webhooks import deliveries, replays
from base.webhooks import programmes as webhook_programmes
from base.webhooks.endpoints import WAKE_TASK
from base.webhooks.webhooks import TASK as DELIVER_TASK
from catalog.budgets import proposals as budgets
from catalog.campaigns import campaigns
from catalog.cash import proceeds
from catalog.offers import offers
from catalog.publishing import proposals as offer_proposals
from catalog.rates import proposals as rate_proposals
from catalog.redemptions import redemptions
from catalog.reversals import reversals
from catalog.stock import corrections as stock_corrections
from catalog.trial_cards import trial_cards
from catalog.vouchers import lapsing
from merchants import events as merchant_events
from merchants import merchants
from merchants.adjustments import adjustments as merchant_adjustments
from merchants.agreements import proposals as terms_proposals
from merchants.invoices import invoices
from merchants.onboarding import reviews as merchant_reviews
from merchants.packs import proposals as packs
from merchants.payouts import holds, payouts, releases, rounds, runs
from merchants.people import people as merchant_people
from merchants.recoveries import write_offs
from merchants.risk import surges, watching
from merchants.statements import closing, settling
from merchants.terminals import clerks
from merchants.terminals import keys as terminal_keys
from points import programmes
from points.adjustments import adjustments
from points.announcements import announcements
from points.bonuses import rules as bonus_rules
from points.care import care
from points.earn_rules import earn_rules
from points.entitlements import rules as entitlement_rules
from points.erasures import erasures
from points.exports import exports
from points.freezes import freezes
from points.freezes.beginning import TASK as THAW_TASK
from points.gifts import job as gifts_job
from points.gifts.gifts import TASK as GIFT_TASK
from points.goodwill import goodwill
from points.members import app_sign_in, members, scope
from points.members import sign_in as member_sign_in
from points.merges import job as merges_job
from points.merges import merges
from points.notices import debits
from points.opening import opening
from points.tiers import grants, proposals


def wire(
    config: Config,
    *,
    pool_size: int | None = None,
    statement_timeout_ms: int = 5_000,
    each_s: float | None = None,
) -> None:
    """Connect this process to its database and cache, and hand lower packages what they need from upper ones.

    `each_s`: how long a transaction may take where what is done has no deadline.
    """
    if config.database_url is None:
        raise RuntimeError("no database: DATABASE_URL is not set and no local one was started")
    database.connect(
        config.database_url,
        pool_size=pool_size or config.web_threads,
        statement_timeout_ms=statement_timeout_ms,
        each_s=each_s,
    )
    cache.connect(config.redis_url)
    failpoints.arm(config.failpoints)
    maintenance.forget()
    jobs.rests_while(maintenance.worker_rests)
    sign_ins.held_by("member", member_sign_in.holder)
    sign_ins.held_by("clerk", clerks.holder)
    sign_ins.held_by("merchant", merchant_people.holder)
    sign_ins.held_by("staff", staff.holder)
    sign_ins.held_by("halfway", signing_in.halfway)
    sign_ins.watched_by("staff", entries.seen)
    guard.desks_by(clerks.desk)
    guard.apps_by(partial(app_sign_in.bearer, config))
    signatures.known_by(terminal_keys.held_by, terminal_keys.cloned)
    care.persons_by(staff.person)
    webhook_programmes.known_by(
        webhook_programmes.Known(
            of_member=lambda session, member_id: members.by_id(session, member_id).programme_id,
            by_code=lambda session, code: programmes.by_code(session, code).programme_id,
            code_of=lambda session, programme_id: programmes.by_id(session, programme_id).code,
            code_of_merchant=lambda session, merchant_id: merchants.by_id(session, merchant_id).code,
        )
    )
    kinds.register(config)
    jobs.register(GIFT_TASK, partial(gifts_job.run, config))
    jobs.register(merges.TASK, merges_job.run)
    jobs.register(proofs.TASK, drawing.run)
    jobs.register(NOTICE_TASK, partial(handing.run, config))
    jobs.register(DELIVER_TASK, partial(deliveries.run, config))
    jobs.register(replays.REPLAY_TASK, replays.run)
    jobs.register(WAKE_TASK, replays.wake)
    jobs.repeat("tills", _watch_tills, every_s=60)
    jobs.repeat("outlets", _watch_outlets, every_s=surges.EVERY_S)
    jobs.repeat("nonces", _forget_nonces, every_s=60)
    jobs.repeat("leftovers", _forget_leftovers, every_s=3600)
    jobs.repeat("app-tokens", _forget_app_tokens, every_s=300)
    exports.parts_by(own_data.PARTS)
    jobs.register(exports.TASK, partial(exports.run, config))
    jobs.repeat("exports", exports.forget, every_s=600)
    jobs.register(THAW_TASK, partial(_thaw, config))
    closing.on_sealed(payouts.plan)
    holds.register(holds.INVOICE_MISSING, invoices.any_missing)
    jobs.repeat("payouts", partial(rounds.walk, config), every_s=rounds.EVERY_S)
    jobs.repeat("payout-holds", partial(rounds.look_at_holds, config), every_s=rounds.HOLDS_EVERY_S)
    jobs.repeat("payout-polls", partial(rounds.poll, config), every_s=rounds.POLL_EVERY_S)
    jobs.register(retention_tasks.TASK, partial(retention_job.run, config))
    jobs.register(intake_tasks.TASK, partial(intake_job.run, config))
    jobs.repeat("intake", intake.forget, every_s=3600)
    jobs.repeat("retention", partial(retention_job.nightly, config), every_s=600)
    jobs.repeat("debits", partial(_tell_debits, config), every_s=30)
    jobs.repeat("lapsing", lapsing.nightly, every_s=1800)
    jobs.repeat("proceeds", partial(proceeds.walk, config), every_s=3600)
    jobs.repeat("breakage", breakage.nightly, every_s=3600)
    jobs.repeat("settling", settling.step, every_s=settling.EVERY_S)
    jobs.repeat("notice-counts", partial(counting.step, config.zone), every_s=counting.EVERY_S)
    care_opening.also(visits.keep)
    jobs.repeat("care", care_opening.step, every_s=care_opening.EVERY_S)
    jobs.repeat("tickets", climbing.step, every_s=climbing.EVERY_S)
    jobs.repeat("figures", taking.step, every_s=taking.EVERY_S)
    jobs.repeat("proof", proving.step, every_s=proving.EVERY_S)
    _approvals(config)


def _approvals(config: Config) -> None:
    """What may be proposed, and what an approval of it does; changes of prices are replayed before they are approved."""
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
        rate_proposals,
        earn_rules,
        proposals,
        mix_targets,
        notice_proposals,
        access,
        resuming,
    ):
        approvals.register(approvals.Kind(topic.KIND, topic.carry_out, topic.PROPOSES, topic.APPROVES))
    approvals.register(
        approvals.Kind(
            offer_proposals.KIND,
            offer_proposals.carry_out,
            offer_proposals.PROPOSES,
            offer_proposals.APPROVES,
            checkers=offer_proposals.checkers,
        )
    )
    terms_proposals.offers_by(offers.of_merchant)
    closing.on_sealed(merchant_events.sealed)
    for kind in (merchant_reviews, terms_proposals, packs, merchant_adjustments):
        approvals.register(
            approvals.Kind(kind.KIND, kind.carry_out, kind.PROPOSES, kind.APPROVES, within=kind.within)
        )
    approvals.register(
        approvals.Kind(grants.KIND, partial(grants.carry_out, config), grants.PROPOSES, grants.APPROVES)
    )
    for kind_of_money in (runs.kind(config.seal_key), releases.kind(), write_offs.kind()):
        approvals.register(kind_of_money)
    jobs.register(replay_job.TASK, replay_job.run)
    for name in replay_reading.KINDS:
        beside.register(name, replay_asking.beside)
    for name in replay_reading.NEEDED_BY:  # after these kinds were registered
        approvals.guarded_by(name, replay_guard.check)
    approvals.guarded_by(offer_proposals.KIND, campaigns.still_asked)


def _tell_debits(config: Config) -> bool:
    """Tell the next debits; whether there are more at once."""
    at = clock.now()
    with database.begin() as session:
        until = debits.horizon(session, at)
        return debits.step(session, config, redemptions.names_of_references, until, at).more


def _forget_nonces() -> bool:
    """Let go of nonces that no request can bring back in time; whether there are more."""
    with database.begin() as session:
        return terminal_keys.forget_nonces(
            session, clock.now() - 2 * timedelta(seconds=signatures.MOST_SKEW_S)
        )


def _forget_app_tokens() -> bool:
    """Let go of tokens of the app that nobody could use any more; never more at once."""
    with database.begin() as session:
        return app_tokens.forget(session, clock.now() - timedelta(hours=1))


def _forget_leftovers() -> bool:
    """Let go of what signing in left behind and of where staff signed in a year ago; whether there is more."""
    with database.begin() as session:
        at = clock.now()
        return leftovers.forget(session, at) | entries.forget_places(session, at)


def _thaw(config: Config, member_id: int, freeze_id: int) -> None:
    """End a freeze whose wait is over."""
    with database.begin() as session:
        freezes.thaw_due(config, session, member_id, freeze_id, clock.now())


def _watch_outlets() -> bool:
    """Look for outlets that accept far more than usual; never more at once."""
    with database.begin() as session:
        surges.walk(session, clock.now())
    return False


def _watch_tills() -> bool:
    """Look at what the busy tills did; never more at once."""
    with database.begin() as session:
        watching.walk(session, clock.now())
    return False
