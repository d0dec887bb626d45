"""The kinds of offers put together: the course of each, the system that it asks, how its form is checked, its jobs."""

from functools import partial

from base import clock, jobs
from base.config import Config
from catalog.bill_credit import credits
from catalog.bundles import bundles
from catalog.bundles import parts as bundle_parts
from catalog.cash import job as cash_job
from catalog.cash import parts
from catalog.events import forms as event_forms
from catalog.events import job as events_job
from catalog.events import seats
from catalog.gifts import giving
from catalog.gifts import job as voucher_gifts_job
from catalog.goods import following as goods_following
from catalog.goods import goods
from catalog.offers import forms
from catalog.offers.models import BILL_CREDIT, BUNDLE, EVENT, GIFT, GOODS, PERK, SERVICE, TRIAL_CARD, VOUCHER
from catalog.perks import forms as perk_forms
from catalog.perks import perks
from catalog.perks import uses as perk_uses
from catalog.redemptions import courses, ordering, redemptions, undoing
from catalog.services import orders as services
from catalog.trial_cards import trial_cards
from catalog.vouchers import conditions, issuing
from catalog.vouchers import forms as voucher_forms
from catalog.vouchers import telling as voucher_telling
from catalog.vouchers.codes import Keys


def register(config: Config) -> None:
    """Hand the course of redemptions what each kind does."""
    keys = Keys.of(config)
    for course in (
        credits.COURSE,
        issuing.course(keys),
        seats.COURSE,
        perks.COURSE,
        goods.course_of(config.seal_key),
        services.COURSE,
        bundles.course_of(config.seal_key),
        trial_cards.course(keys),
        giving.course(config),
    ):
        courses.register(course)
    _systems(config, keys)
    _forms()
    _jobs(config)


def _systems(config: Config, keys: Keys) -> None:
    """The other systems that do what a redemption asks for, or take it back."""
    ordering.register(BILL_CREDIT, credits.PORT)
    undoing.register(BILL_CREDIT, credits.BACK, on=config.billing_adjusts)
    ordering.register(SERVICE, services.PORT)
    ordering.register(GOODS, goods.port(config.seal_key))
    ordering.register(BUNDLE, bundles.port(keys))


def _forms() -> None:
    """How the form of an offer is checked before it is offered; a kind that is not here has none."""
    forms.register(VOUCHER, voucher_forms.check, conditions.against)
    forms.register(EVENT, event_forms.check)
    forms.register(PERK, perk_forms.check)
    forms.register(GOODS, goods.check_form)
    forms.register(SERVICE, services.check_form)
    forms.register(BUNDLE, bundle_parts.check_form, bundle_parts.check_against)
    forms.register(TRIAL_CARD, trial_cards.check_form)
    forms.register(GIFT, giving.check_form)


def _jobs(config: Config) -> None:
    """What goes on after the commit."""
    cash_course = cash_job.Course(paid=redemptions.paid, gave_up=redemptions.not_paid)
    jobs.register(parts.TASK, partial(cash_job.step, config, cash_course))
    jobs.register(ordering.TASK, partial(ordering.run, config))
    jobs.register(undoing.TASK, partial(undoing.run, config))
    jobs.register(voucher_telling.TASK, partial(voucher_telling.run, config))
    jobs.register(goods.TASK, partial(goods_following.run, config))
    jobs.register(seats.TASK, partial(events_job.run, config))
    jobs.register(perk_uses.TASK, partial(perk_uses.run, config))
    jobs.register(giving.TASK, partial(voucher_gifts_job.run, config))
    jobs.repeat("events", lambda: events_job.sweep(clock.now()), every_s=600)
