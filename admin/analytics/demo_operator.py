"""The demo operator: months of bills, redemptions and leavers of an invented population, through the real rules.

The population (demo_population.py) says who pays, wishes and leaves; here its wishes go through quote, redeem, bill credit,
check, accept and settle at their moments in the past, so that the books balance and `jifen verify` can prove them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.analytics import demo_bonuses, demo_offers, demo_tiers, runs
from admin.analytics.demo_mix import SHARES, Mix
from admin.analytics.demo_population import KINDS, Brand, Population
from admin.analytics.histories import Ints
from base import channels, clock, database, ids
from base.auth import passwords
from base.config import Config
from base.errors import Problem
from base.progress import Bar
from catalog.bill_credit.billing import Credit
from catalog.offers import heaps, offers
from catalog.offers.models import HISTORY, Offer
from catalog.rates import rates
from catalog.redemptions import ordering, quotes, redemptions
from catalog.redemptions.course import By
from catalog.redemptions.models import FULFILLED, Redemption
from catalog.redemptions.outcomes import Outcome
from catalog.vouchers import codes, life, using
from catalog.vouchers.codes import Keys
from merchants import merchants, terms
from merchants.acceptances import Place
from merchants.statements import settling
from merchants.terminals import clerks
from points import bills, ledger, lots, policies, programmes
from points.bills import BillLineIn
from points.deeds import Request
from points.kinds import Kind
from points.members import members
from points.members.members import Enrolment
from points.members.sign_in import secrets_of
from points.models import Programme
from points.tiers import ladders

ZONE = "Asia/Shanghai"
CHUNK = 100
BILLS_CHUNK = 1_500
SHARE_ACCEPTED = 0.8
PIN = "246810"
UNITS = {"mzone": {"zh-CN": "M值", "en": "M points", "en-one": "M point"}}  # what points are called
CreditBill = Callable[[Credit], Outcome]


@dataclass(frozen=True)
class Size:
    """How big the demo is."""

    members: int
    months: int = 24


SIZES = {"tiny": Size(200, 6), "small": Size(5_000), "large": Size(100_000)}


@dataclass
class Demo:
    """What stays the same over all months."""

    config: Config
    population: Population
    programmes: dict[str, Programme]
    member_ids: list[int]
    customer_ids: list[str]
    codes: list[str]
    places: dict[int, Place]
    credit: CreditBill
    random: np.random.Generator
    today: date
    mixes: dict[str, Mix] = field(default_factory=lambda: defaultdict(Mix))

    def period(self, month: int) -> tuple[datetime, datetime]:
        """A month of the window: from the day of today's number to the next one, the last ends today."""
        back = self.population.months - month
        return clock.start_of(months_before(self.today, back), ZONE), clock.start_of(
            months_before(self.today, back - 1), ZONE
        )


def make(
    config: Config,
    size: Size,
    credit: CreditBill,
    bar: Bar,
    *,
    seed: int = 7,
    after_month: Callable[[int, datetime], None] = lambda left, at: None,
) -> None:
    """Make the demo operator; `bar` advances `size.months` steps. The database must be empty of its programmes.

    `after_month` is told how many months are left after each, and the moment at which the month ends.
    """
    today = clock.day(clock.now(), ZONE)
    population = Population(seed, size.members, size.months)
    demo = _set_up(config, population, today, credit, np.random.Generator(np.random.PCG64(seed)))
    for month in range(size.months):
        _play(demo, month)
        after_month(size.months - month - 1, demo.period(month)[1])
        bar.advance()
    runs.of_all(config, demo.programmes.values())


def is_there(session: Session) -> bool:
    """Whether demo data was made already, wholly or in part."""
    return session.scalar(select(Programme.programme_id).where(Programme.code == "gotone")) is not None


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier (28 at most, so that it is in every month)."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, 28)) if months else day


def _set_up(
    config: Config, population: Population, today: date, credit: CreditBill, random: np.random.Generator
) -> Demo:
    first_day = months_before(today, population.months)
    began = clock.start_of(first_day, ZONE)
    with database.begin() as session:
        made = {brand.code: _programme(session, brand, first_day) for brand in population.brands}
        places = _shops(session, made, first_day, began, clock.start_of(today, ZONE))
        ids_by_customer: dict[str, int] = {}
        for code, programme in made.items():
            rows = _enrolments(population, code, first_day)
            for start in range(0, len(rows), 500):
                part = rows[start : start + 500]
                ids_by_customer |= members.enrol_many(session, programme, secrets_of(config), part)
        member_ids = [ids_by_customer[customer_id] for customer_id in population.customer_ids]
        demo_bonuses.birthdays(session, member_ids, first_day)
        demo_bonuses.set_up(session, made.values(), first_day, began)
        _opening(session, population, member_ids, began, policies.month_end(today, 1))
    return Demo(
        config,
        population,
        made,
        member_ids,
        population.customer_ids,
        population.programme_codes,
        places,
        credit,
        random,
        today,
    )


def _programme(session: Session, brand: Brand, first_day: date) -> Programme:
    english = {"gotone": "GoTone", "mzone": "M-Zone"}.get(brand.code, brand.code)
    names, unit = {"zh-CN": brand.name, "en": english}, UNITS.get(brand.code)
    programme = programmes.create(session, brand.code, names, zone=ZONE, currency="CNY", unit=unit)
    for line_type in ("plan", "data", "voice"):
        policies.add_earn_rule(session, programme.programme_id, line_type, first_day, points=1, per_fen=100)
    policies.add_expiry_policy(session, programme.programme_id, policies.BILL_POINTS, first_day, months=36)
    policies.add_expiry_policy(
        session, programme.programme_id, policies.PROMOTION_POINTS, first_day - demo_bonuses.BEFORE, months=12
    )
    for ladder, (steps, months) in demo_tiers.LADDERS.items():
        ladders.add(
            session, programme.programme_id, ladder, first_day, steps, **months,
            lot_classes=[policies.BILL_POINTS], reason="demo", approval=None, at=clock.now(),
        )  # fmt: skip
    rates.add(session, programme.programme_id, first_day, points=100, per_fen=100)
    rates.add(session, programme.programme_id, first_day, points=80, per_fen=100, kind="voucher")
    rates.add(session, programme.programme_id, first_day, points=50, per_fen=100, kind="perk")
    rates.add(session, programme.programme_id, first_day, points=50, per_fen=100, kind="event")
    return programme


def _shops(
    session: Session, made: dict[str, Programme], first_day: date, began: datetime, today: datetime
) -> dict[int, Place]:
    """Sixty merchants with an outlet, a till, a clerk and terms; 120 offers over both programmes."""
    places, pin_hash = {}, passwords.hashed(PIN)
    codes = list(made)
    extra = len(demo_offers.CREDITS_YUAN) + len(demo_offers.PERKS) + len(demo_offers.SERVICES)
    for number, shop in enumerate(demo_offers.shops()):
        merchant = merchants.add(
            session, shop.code, shop.names, zone=ZONE, currency="CNY", city=shop.city, area=shop.area
        )
        outlet = merchants.add_outlet(
            session, merchant, shop.outlet, shop.address, area=shop.area, hours=demo_offers.HOURS
        )
        terminal = clerks.add_terminal(session, outlet, f"{shop.code}-1")
        clerk = clerks.add_clerk(session, outlet, "01", pin_hash)
        terms.add(
            session,
            merchant.merchant_id,
            first_day,
            price_bp=8_500,
            fee_bp=200,
            vat_bp=600,
            void_window_s=900,
        )
        places[merchant.merchant_id] = Place(
            merchant.merchant_id, outlet.outlet_id, terminal.terminal_id, clerk.clerk_id
        )
        in_both = number < 120 - len(codes) * extra - len(tuple(demo_offers.shops()))
        for at, code in enumerate(codes):
            if in_both or number % len(codes) == at:
                values = demo_offers.vouchers(shop, merchant.merchant_id, number, began)
                offers.add(session, made[code].programme_id, **values, state="live")
    for programme in made.values():
        for values in demo_offers.credits(began):
            offers.add(session, programme.programme_id, **values, state="live")
        for values in demo_offers.services(began):
            offers.add(session, programme.programme_id, **values, state="live")
        for values, places_left in demo_offers.perks(began, today):
            offers.add(session, programme.programme_id, **values, stock=places_left, state="live")
    return places


def _enrolments(population: Population, code: str, first_day: date) -> list[Enrolment]:
    joined, codes = population.join_dates(first_day.replace(day=1)), population.programme_codes
    return [
        Enrolment(customer_id, min(joined[number], first_day), f"138{number:08d}")
        for number, customer_id in enumerate(population.customer_ids)
        if codes[number] == code
    ]


def _opening(
    session: Session, population: Population, member_ids: list[int], at: datetime, last_day: date
) -> None:
    """What members had before the window; it lapses next month, so that something lapses soon."""
    key = lots.key(last_day, policies.PROMOTION_POINTS)
    ledger.post_many(
        session,
        [
            Request(
                member_id, ledger.key("demo", f"opening:{member_id}"), Kind.EARN, int(points), at, ZONE,
                lot_key=key, ref="opening balance",
            )
            for member_id, points in zip(member_ids, population.opening_points, strict=True)
            if points > 0
        ],
    )  # fmt: skip


def _play(demo: Demo, month: int) -> None:
    """A month: wishes, leaving, bills, and the merchants' statements."""
    begins, ends = demo.period(month)
    plan = demo.population.step(month, _balances(demo, begins))
    refused = np.zeros(demo.population.members, dtype=np.bool_)
    wishing = np.flatnonzero(plan.wish >= 0)
    for start in range(0, len(wishing), CHUNK):
        part = wishing[start : start + CHUNK]
        moment = (
            begins
            + timedelta(days=1, hours=9)
            + (ends - begins - timedelta(days=2)) * (start / max(1, len(wishing)))
        )
        for number, kept in zip(
            part, _redeem_chunk(demo, part, plan.wish, plan.wish_points, moment), strict=True
        ):
            refused[number] = not kept
    demo.population.took(plan.wish)
    demo.population.refuse(refused)
    for start in range(0, len(leaving := np.flatnonzero(plan.leaves)), CHUNK):
        with database.begin() as session:
            for number in leaving[start : start + CHUNK]:
                day = clock.day(begins, ZONE) + timedelta(days=int(plan.leave_day[number]))
                members.leave(session, demo.member_ids[number], min(day, clock.day(ends, ZONE)))
    days = clock.day(begins, ZONE), clock.day(ends, ZONE) - timedelta(days=1)
    demo_bonuses.give(demo.programmes.values(), *days, ends)
    _bill(demo, month, ends, plan.bills_fen)
    demo_tiers.evaluate(demo.programmes.values(), ends)
    _settle(demo, ends)


def _balances(demo: Demo, at: datetime) -> Ints:
    on = clock.day(at, ZONE)
    with database.begin() as session:
        rows = session.connection().exec_driver_sql("select member_id, lot_key, lot_in, lot_out from wallet")
        live = {row[0]: lots.live(lots.Lots(tuple(row[1]), tuple(row[2]), tuple(row[3])), on) for row in rows}
    return np.array([live[member_id] for member_id in demo.member_ids])


def _redeem_chunk(demo: Demo, part: Iterable[int], wish: Ints, wish_points: Ints, at: datetime) -> list[bool]:
    """Redeem for some members at one moment: true where the rules allowed it."""
    made: list[Redemption | None] = []
    with clock.stopped(at):
        with database.begin() as session:
            catalogue = {code: _open_offers(session, p, at) for code, p in demo.programmes.items()}
            for number in part:
                offers_here = catalogue[demo.codes[number]]
                points, possible = (
                    int(wish_points[number]),
                    {heap for heap, here in offers_here.items() if here},
                )
                heap = demo.mixes[demo.codes[number]].choose(KINDS[wish[number]], points, possible)
                redemption = _redeem(session, demo, demo.member_ids[number], offers_here, (heap, points), at)
                if redemption is not None:
                    demo.mixes[demo.codes[number]].add(heap, redemption.price_points)
                    if heap in KINDS:
                        wish[number] = KINDS.index(heap)
                made.append(redemption)
        done = [redemption for redemption in made if redemption is not None]
        _credit(demo, [r for r in done if r.kind == "bill_credit"])
        for redemption in done:
            if redemption.kind == "service":
                ordering.run(demo.config, redemption.member_id, redemption.redemption_id)
        with clock.stopped(at + timedelta(hours=5)):
            _accept(demo, [r for r in done if r.kind == "voucher"])
    return [redemption is not None for redemption in made]


def _open_offers(session: Session, programme: Programme, at: datetime) -> dict[str, list[Offer]]:
    listed = offers.listed(session, programme.programme_id, at, limit=500)
    found: dict[str, list[Offer]] = {heap: [] for heap in SHARES}
    for row in listed:
        found[_HEAPS[heaps.OF_KIND[row.offer.kind]]].append(row.offer)
    found["unattributed"] = [offers.add(session, programme.programme_id, **demo_offers.unattributed(at))]
    return found


_HEAPS = {
    heaps.MALL: "merchant",
    heaps.CREDIT: "bill",
    heaps.CLUB: "club",
    heaps.NEW_SERVICES: "new",
    heaps.UNATTRIBUTED: "unattributed",
}


def _redeem(
    session: Session,
    demo: Demo,
    member_id: int,
    here: dict[str, list[Offer]],
    wanted: tuple[str, int],
    at: datetime,
) -> Redemption | None:
    """Quote and redeem what comes nearest to the points in mind; None when the rules refuse it."""
    kind, points = wanted
    offer, units = _choose(here[kind], kind, points, demo.random)
    try:
        with session.begin_nested():
            if offer.kind == HISTORY:
                return _unattributed(session, offer, member_id, points, at)
            priced = quotes.make(session, member_id, offer.offer_id, units, at, 600)
            return redemptions.redeem(session, member_id, priced.quote.quote_id, _by(member_id), at)
    except Problem:
        return None


def _unattributed(session: Session, offer: Offer, member_id: int, points: int, at: datetime) -> Redemption:
    """Points that an earlier system took; nobody knows what for."""
    key = ledger.key("demo", f"unattributed:{member_id}:{at.isoformat()}")
    request = Request(member_id, key, Kind.REDEEM, points, at, ZONE, value_fen=points, ref="unattributed")
    redemption = Redemption(
        member_id=member_id, redemption_id=ids.new_id(), offer_id=offer.offer_id, version_id=offer.version_id,
        posting_seq=ledger.post(session, request).seq, price_points=points, value_fen=points, at=at, changed_at=at,
        units=1, kind=HISTORY, state=FULFILLED,
    )  # fmt: skip
    session.add(redemption)
    session.flush()
    return redemption


def _by(member_id: int) -> By:
    return By(f"member:{member_id}", channels.MEMBER_WEB)


def _choose(found: list[Offer], kind: str, points: int, random: np.random.Generator) -> tuple[Offer, int]:
    if kind == "bill":  # 100 points are a yuan: the largest size that fits the points in whole units
        fitting = [o for o in found if points % o.value_fen == 0 and points // o.value_fen <= o.most_units]
        offer = max(fitting, key=lambda o: o.value_fen)
        return offer, points // offer.value_fen
    fen = points * 100 // (80 if kind == "merchant" else 50)
    fitting = [o for o in found if o.value_fen <= fen] or [min(found, key=lambda o: o.value_fen)]
    best = max(o.value_fen for o in fitting)
    nearest = [o for o in fitting if o.value_fen >= best * 0.8]
    return nearest[int(random.integers(len(nearest)))], 1


def _credit(demo: Demo, made: list[Redemption]) -> None:
    """The bill credit job's own steps for many: note the tries, ask the billing system, record what came."""
    with database.begin() as session:
        noted = [(r, ordering.note_try(session, r.member_id, r.redemption_id)) for r in made]
    asked = [(redemption, attempt) for redemption, attempt in noted if attempt is not None]
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda pair: demo.credit(pair[1].order), asked))
    with database.begin() as session:
        for (redemption, attempt), outcome in zip(asked, outcomes, strict=True):
            ordering.record(
                session, demo.config, redemption.member_id, redemption.redemption_id, attempt, outcome
            )
        ended = [
            r
            for r, _ in asked
            if redemptions.find(session, r.member_id, r.redemption_id).state == "fulfilled"
        ]
        _fulfil_promises(session, [(r.member_id, r.redemption_id) for r in ended])


def _fulfil_promises(session: Session, done: list[tuple[int, int]]) -> None:
    """What the outbox rows promised has been done here; the worker need not look at them."""
    session.connection().exec_driver_sql(
        "delete from outbox where task = %s and (member_id, (args->>'redemption_id')::bigint) in "
        "(select * from unnest(%s::bigint[], %s::bigint[]))",
        (ordering.TASK, [m for m, _ in done], [r for _, r in done]),
    )


def _accept(demo: Demo, made: list[Redemption]) -> None:
    """Most vouchers are used a few hours later, at the merchant's till."""
    at, keys = clock.now(), Keys.of(demo.config)
    with database.begin() as session:
        for redemption in made:
            voucher = life.of_redemption(session, redemption.member_id, redemption.redemption_id)
            if voucher is None or demo.random.random() > SHARE_ACCEPTED:
                continue
            till = using.Till(demo.places[voucher.merchant_id], at, keys, demo.config.secret_key)
            symbols = codes.opened(keys, voucher.voucher_id, voucher.code_sealed)
            shown = codes.read(codes.pictures(keys, voucher, symbols, at, steps=1)[0].text)
            checked = using.check(session, till, voucher, shown, demo.config.check_hold_s)
            using.accept(session, till, checked.token, None)


def _bill(demo: Demo, month: int, at: datetime, bills_fen: Ints) -> None:
    day = clock.day(at, ZONE)
    paying = np.flatnonzero(bills_fen > 0)
    for code, programme in demo.programmes.items():
        mine = [number for number in paying if demo.codes[number] == code]
        with database.begin() as session:
            versions = policies.load(session, programme.programme_id)
        for start in range(0, len(mine), BILLS_CHUNK):
            rows = [
                BillLineIn(
                    customer_id=demo.customer_ids[number],
                    bill_id=f"{day:%Y%m}-{number + 1:07d}",
                    line_no=1,
                    bill_day=day,
                    line_type="plan",
                    amount_fen=int(bills_fen[number]),
                )
                for number in mine[start : start + BILLS_CHUNK]
            ]
            with database.begin() as session:
                bills.post_lines(session, programme, versions, rows, at=at)


def _settle(demo: Demo, at: datetime) -> None:
    """Seal each period of every merchant whose draft time is over."""
    with database.begin() as session:
        everyone = settling.every(session)
    for merchant in everyone:
        sealed = True
        while sealed:
            with database.begin() as session:
                sealed = settling.seal_next(session, merchant.merchant_id, None, at) is not None
