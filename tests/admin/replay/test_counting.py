"""What the database sums up is what a plain walk through all redemptions comes to, whoever bought what under which rate."""

from collections import defaultdict
from contextlib import suppress
from datetime import date, datetime, timedelta
from random import Random

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from admin.replay import counting, segments
from admin.replay.changes import Change, Drafted, of_rates
from admin.replay.counting import Window
from admin.replay.segments import FIGURES
from base import clock, database
from base.money import share
from catalog.offers.models import Offer
from catalog.rates.models import Rate
from catalog.rates.rates import Row, price
from catalog.rates.scopes import GENERAL, Scope, scope_of
from catalog.redemptions.models import Redemption
from merchants.models import Terms
from points.groups.models import Contact, Group
from points.members.models import MemberFacts
from tests.given import LONG_AGO, ZONE

DAY = timedelta(days=1)
FIRST = date(2026, 3, 1)
PEOPLE = 12
WINDOW = Window(7, ZONE, FIRST, FIRST + 29 * DAY)
OFFERS = {
    101: {"kind": "bill_credit"},
    102: {"kind": "voucher", "merchant_id": 1, "voucher_days": 30},
    103: {"kind": "perk", "merchant_id": 2, "form": {"guests": {"most": 2, "price_percent": 50}}},
    104: {"kind": "history"},
}
GUESTS = [{"most": 2}, {"most": 1}, {"most": 2, "price_percent": 33}, {"most": 2, "counter": "guests"}]
TIERS, AREAS = ("gold", "star5"), ("", "33", "3301", "330106", "44")
SCOPES = [
    GENERAL,
    Scope(kind="voucher"),
    Scope(102),
    Scope(kind="perk", tier="gold"),
    Scope(tier="star5"),
    Scope(tier="star5", area="3301"),
    Scope(area="33"),
    Scope(area="3301"),
    Scope(103, area="330106"),
]


def rate_of(rate_id, scope, from_day, until_day, points, per_fen):
    return Rate(
        rate_id=rate_id, programme_id=7, offer_id=scope.offer_id, kind=scope.kind, tier=scope.tier, area=scope.area,
        from_day=from_day, until_day=until_day, points=points, per_fen=per_fen,
    )  # fmt: skip


def there(pick):
    """Versions of rates, of each scope two that follow each other within the window, or that leave days without one."""
    found = []
    for scope in pick.sample(SCOPES, pick.randrange(7)):
        change = FIRST + pick.randint(1, 29) * DAY
        last = pick.choice([None, change, change + 3 * DAY])
        for first, end in ((LONG_AGO, change - DAY), (change, last)):
            numbers = pick.randint(1, 300), pick.randint(1, 300)
            found.append(rate_of(len(found) + 1, scope, first, end, *numbers))
    return found


def a_draft(pick):
    """A grid of rates, of which some end a scope's own; or a version of the voucher."""
    if pick.random() < 0.5:
        choices = pick.choice([(), (100,), (100, 250)])
        worth, cost, most = pick.randint(1, 2000), pick.randint(0, 3000), pick.randint(1, 3)
        if pick.random() < 0.5:
            return Drafted(102, "voucher", worth, cost, most, choices, 2)
        return Drafted(103, "perk", worth, cost, most, choices, 1, {"guests": pick.choice(GUESTS)})
    rows = []
    for n in range(pick.randint(1, 5)):
        ends = pick.random() < 0.3
        numbers = (None, None) if ends else (pick.randint(1, 300), pick.randint(1, 300))
        rows.append(Row(pick.choice(SCOPES), date(2027, 1, 1 + n), *numbers))
    return rows


def a_member(pick):
    return {
        "tiers": pick.choice([[], ["gold"], ["star5"], ["gold", "star5"]]),
        "area": pick.choice(AREAS),
        "arpu_fen": pick.choice([None, 0, 4_999, 5_000, 19_999, 99_900]),
        "belongs": pick.choice(["person", "group", "contact"]),
    }


def a_redemption(pick):
    return {
        "member_id": pick.randint(1, PEOPLE),
        "offer_id": pick.choice(sorted(OFFERS)),
        "rate_id": pick.choice([None, 1, 2]),
        "units": pick.randint(1, 4),
        "price_points": pick.randint(1, 5_000),
        "value_fen": pick.randint(0, 9_999),
        "cash_each": pick.choice([0, 0, 100, 250, 300]),
        "cost_fen": pick.randint(0, 9_999),
        "minutes": pick.randint(-3_000, 30 * 24 * 60 + 3_000),
        "state": pick.choice(["fulfilled", "pending", "fulfilling", "unknown", "cancelled", "reversed"]),
        "free": pick.random() < 0.3,
        "guests": pick.choice([0, 0, 1, 2]),
        "pay": pick.choice(["points", "entitlement"]),
    }


terms = [
    Terms(merchant_id=1, from_day=LONG_AGO, price_bp=9_000, fee_bp=0, vat_bp=0),
    Terms(merchant_id=1, from_day=FIRST + 9 * DAY, price_bp=8_555, fee_bp=0, vat_bp=0),
    Terms(merchant_id=2, from_day=FIRST + 4 * DAY, price_bp=5_000, fee_bp=0, vat_bp=0),
]


class RolledBack(Exception):
    """Nothing of it stays."""


def moment(minutes):
    return clock.start_of(FIRST, ZONE) + timedelta(minutes=minutes)


def written(session, people, asked):
    """Rows as they would be there; only what the counting reads is true of them."""
    at = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    names = {"zh-CN": "x", "en": "x"}
    for offer_id, values in OFFERS.items():
        session.add(
            Offer(version_id=offer_id + 500, offer_id=offer_id, programme_id=7, value_fen=777, cost_fen=0, from_at=at,
                  cancellable=False, code=str(offer_id), category="t", names=names, texts=names, **values)
        )  # fmt: skip
    session.execute(
        insert(MemberFacts),
        [
            {name: value for name, value in person.items() if name != "belongs"}
            | {
                "member_id": n,
                "programme_id": 7,
                "joined_on": LONG_AGO,
                "kind": "group" if person["belongs"] == "group" else "person",
            }
            for n, person in enumerate(people, 1)
        ],
    )
    for n, person in enumerate(people, 1):
        if person["belongs"] == "group":
            session.add(Group(member_id=n, programme_id=7, since=at, group_class="a", name="x"))
    session.add(Group(member_id=900, programme_id=7, since=at, group_class="top", name="x"))
    for n, person in enumerate(people, 1):
        if person["belongs"] == "contact":
            session.add(Contact(member_id=900, contact_id=n, entry_id=n, since=at, until=None, rank="middle"))
    session.flush()
    rows = [
        {
            "member_id": one["member_id"], "redemption_id": n, "offer_id": one["offer_id"],
            "version_id": one["offer_id"] + 500, "rate_id": one["rate_id"], "units": one["units"],
            "price_points": points(one), "value_fen": one["value_fen"], "cash_fen": one["cash_each"] * one["units"],
            "cost_fen": one["cost_fen"], "at": moment(one["minutes"]), "changed_at": at,
            "kind": OFFERS[one["offer_id"]]["kind"], "state": one["state"], "details": {"draws": 1, "guests": one["guests"], "pay": one["pay"]},
        }
        for n, one in enumerate(asked, 1)
    ]  # fmt: skip
    if rows:
        session.execute(insert(Redemption), rows)


def points(one):
    return 0 if one["free"] and OFFERS[one["offer_id"]]["kind"] == "perk" else one["price_points"]


# The oracle: one redemption after another, rates searched through in the order that the house has told.


def holding(rates, offer_id, person):
    kind = OFFERS[offer_id]["kind"]
    fitting = [
        rate
        for rate in rates
        if rate.offer_id in (None, offer_id)
        and rate.kind in (None, kind)
        and (rate.tier is None or rate.tier in person["tiers"])
        and person["area"].startswith(rate.area)
    ]
    return min(
        fitting,
        key=lambda r: (
            r.offer_id is None, r.kind is None, r.tier is None, -len(r.area), r.points / r.per_fen, r.tier or "",
        ),
        default=None,
    )  # fmt: skip


def walked(draft, rates, people, asked):
    """Figures by offer, and by member what was paid then and new and whether it is better or worse."""
    offers, each = defaultdict(lambda: dict.fromkeys(FIGURES, 0)), defaultdict(lambda: [0, 0, 0, False])
    first = {}
    if isinstance(draft, list):
        for row in draft:
            first.setdefault(row.scope, row)
    for one in asked:
        on = clock.day(moment(one["minutes"]), ZONE)
        if one["state"] in ("cancelled", "reversed") or not FIRST <= on <= WINDOW.until_day:
            continue
        person, offer = people[one["member_id"] - 1], OFFERS[one["offer_id"]]
        units, cash = one["units"], one["cash_each"] * one["units"]
        then = new = points(one)
        value, cost, merchant, possible = one["value_fen"], one["cost_fen"], offer.get("merchant_id"), True
        owed, payable = due(merchant, on, value), value
        if offer["kind"] == "perk":
            payable = of_perk(one, 777, offer["form"])
        rate = None
        if isinstance(draft, Drafted):
            if one["offer_id"] == draft.offer_id:
                count = 1 + one["guests"] if draft.kind == "perk" else units
                value, cost, merchant = draft.value_fen * count, draft.cost_fen * count, draft.merchant_id
                payable = of_perk(one, draft.value_fen, draft.form) if draft.kind == "perk" else value
                guests = one["guests"] if draft.kind == "perk" else 0
                possible = (
                    units <= draft.most_units
                    and guests <= draft.form.get("guests", {}).get("most", 0)
                    and cash <= payable
                    and (not cash or one["cash_each"] in draft.cash_choices)
                )
                rate = next((r for r in rates if r.rate_id == one["rate_id"]), None)
        elif offer["kind"] != "history":
            now = [r for r in rates if r.from_day <= on and (r.until_day is None or on <= r.until_day)]
            kept = [r for r in now if scope_of(r) not in first]
            drafted = [
                rate_of(0, row.scope, row.from_day, None, row.points, row.per_fen)
                for row in first.values()
                if row.points
            ]
            old, rate = (holding(some, one["offer_id"], person) for some in (now, kept + drafted))
            possible = rate is not None or old is None
            if (
                rate is not None
                and old is not None
                and (rate.points, rate.per_fen) == (old.points, old.per_fen)
            ):
                rate = None
        if rate is not None and then:
            new = price(rate, payable - cash)
        if not possible:
            new, value, cost, cash_new, owed_new = 0, 0, 0, 0, 0
        else:
            cash_new, owed_new = cash, due(merchant, on, value)
        row = {
            "count": 1, "points_then": then, "points_new": new, "value_then": one["value_fen"], "value_new": value,
            "cash_then": cash, "cash_new": cash_new, "cost_then": one["cost_fen"], "cost_new": cost,
            "owed_then": owed, "owed_new": owed_new, "impossible": not possible,
            "impossible_points": 0 if possible else then,
            "net_value_then": one["value_fen"] - cash if then else 0, "net_value_new": value - cash_new if then else 0,
            "net_cost_then": one["cost_fen"] - cash if then else 0, "net_cost_new": cost - cash_new if then else 0,
        }  # fmt: skip
        for name, figure in row.items():
            offers[str(one["offer_id"])][name] += figure
        mine = each[one["member_id"]]
        mine[0] += then
        mine[1] += new
        mine[2] += (value - one["value_fen"]) * 3 - (new - then) * 2
        mine[3] |= not possible
    return offers, each


def of_perk(one, each, form):
    """What is to be paid of a perk by points and money."""
    guests, count = form.get("guests", {}), one["guests"]
    people = [each] if one["pay"] == "points" else []
    if guests.get("price_percent"):
        people += [each * guests["price_percent"] // 100] * count
    elif not guests.get("counter") and one["pay"] == "points":
        people += [each] * count
    return sum(people)


def due(merchant, on, value):
    begun = [one for one in terms if one.merchant_id == merchant and one.from_day <= on]
    return share(value, max(begun, key=lambda one: one.from_day).price_bp) if begun else 0


def by_segment(each, people):
    found = defaultdict(lambda: defaultdict(lambda: [0, 0, 0, 0, 0]))
    bands = segments.ARPU_BANDS_FEN
    for member_id, (then, new, gain, lost) in each.items():
        person = people[member_id - 1]
        arpu = person["arpu_fen"]
        keys = {
            "tier": person["tiers"] or [""],
            "area": [person["area"][:2]],
            "class": [{"group": "a", "contact": "top", "person": ""}[person["belongs"]]],
            "arpu": ["" if arpu is None else str(sum(arpu >= band for band in bands))],
        }
        for what, some in keys.items():
            for key in some:
                row = found[what][key]
                for at, more in enumerate((then, new, 1, gain > 0 and not lost, gain < 0 or lost)):
                    row[at] += more
    return {what: {key: list(map(int, row)) for key, row in rows.items()} for what, rows in found.items()}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(seed=1065)  # a guest who counts as a use of one's own
@given(seed=st.integers(0, 2**32))
def test_sums_of_parts_are_what_a_walk_through_all_redemptions_comes_to(db, seed):
    pick = Random(seed)
    rates, draft = there(pick), a_draft(pick)
    people = [a_member(pick) for _ in range(PEOPLE)]
    asked = [a_redemption(pick) for _ in range(pick.choice([0, 1, 60]))]
    cut = pick.randrange(PEOPLE)
    change = (
        Change(rates, terms, drafted=draft) if isinstance(draft, Drafted) else of_rates(rates, terms, draft)
    )
    with suppress(RolledBack), database.begin() as session:
        written(session, people, asked)
        found = {}
        for low, high in parts_of(cut):
            part = Window(7, ZONE, WINDOW.from_day, WINDOW.until_day, low, high)
            found = segments.merged(found, counting.part(session, change, part, (3, 2)))
        raise RolledBack

    offers, each = walked(draft, rates, people, asked)
    assert found.pop("offer", {}) == {key: list(map(int, row.values())) for key, row in offers.items()}
    told = {
        what: {key: [row[1], row[2], *row[13:16]] for key, row in rows.items()}
        for what, rows in found.items()
    }
    assert told == by_segment(each, people)


def parts_of(cut):
    return [(0, cut), (cut, 2**63 - 1)] if cut else [(0, 2**63 - 1)]
