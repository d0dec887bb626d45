"""The figures of a report, out of sums: what was redeemed or earned, liability, mix, who wins, what moves, what is dear. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from admin.replay.changes import EARN_RULE
from admin.replay.segments import FIGURES, SEGMENTS
from base import ids
from base.money import BASIS_POINTS
from catalog.offers import heaps
from catalog.offers.models import HISTORY

MOST_MOVERS = 10
COST_ABOVE_WORTH, PREMIUM_NEGATIVE, NO_PRICE = "cost-above-worth", "premium-negative", "no-price"
Terms = tuple[int, int]
Row = dict[str, int]


@dataclass(frozen=True, slots=True)
class OfferNamed:
    """An offer as a report names it."""

    offer_id: int
    code: str
    kind: str
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Unit:
    """The drafted version by itself: `price_points` of one unit, None: no rate holds for it."""

    code: str
    offer_id: int | None
    price_points: int | None
    value_fen: int
    cost_fen: int


@dataclass(frozen=True)
class Known:
    """What sums do not say: general rates without and with the draft (points, fen), offers, names of segments."""

    general: tuple[Terms | None, Terms | None] = (None, None)
    offers: Mapping[str, OfferNamed] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, dict[str, str]]] = field(default_factory=dict)
    unit: Unit | None = None


def of(kind: str, sums: Mapping[str, Mapping[str, Sequence[int]]], known: Known) -> dict[str, Any]:
    """All figures of a kind of proposal."""
    earns = kind == EARN_RULE
    own = {key: _row(row) for key, row in sums.get("line_type" if earns else "offer", {}).items()}
    total = {name: sum(row[name] for row in own.values()) for name in FIGURES}
    everybody = [_row(row) for row in sums.get("arpu", {}).values()]
    outstanding = sum(row[1] for row in sums.get("outstanding", {}).values())
    change = total["points_new"] - total["points_then"]
    found: dict[str, Any] = {
        "members": _who(everybody),
        "liability": liability(outstanding, change if earns else -change, known.general),
        "segments": {what: _segments(sums.get(what, {}), known.names.get(what, {})) for what in SEGMENTS},
    }
    if earns:
        return found | {
            "earned": _pair(total) | {"lines": total["count"]},
            "line_types": [
                {"line_type": name, "lines": row["count"]} | _pair(row) for name, row in sorted(own.items())
            ],
        }
    return found | {
        "redeemed": _pair(total) | {"redemptions": total["count"]},
        "cost": {"fen_then": total["cost_then"], "fen_new": total["cost_new"]},
        "merchants": {"fen_then": total["owed_then"], "fen_new": total["owed_new"]},
        "impossible": {"redemptions": total["impossible"], "points": total["impossible_points"]},
        "mix": mix(own, known.offers),
        "movers": movers(own, known.offers),
        "warnings": warnings(own, known),
        "drafted": _drafted(known),
    }


def liability(outstanding: int, change: int, general: tuple[Terms | None, Terms | None]) -> dict[str, Any]:
    """What members would hold more or less; in fen at the general rate, and what a new general rate makes of all points."""
    revalued = worth(outstanding, general[1]) - worth(outstanding, general[0])
    by_change = worth(change, general[1])
    return {
        "points_outstanding": outstanding,
        "points_change": change,
        "fen_change": by_change + revalued,
        "fen_by_points": by_change,
        "fen_by_revaluation": revalued,
        "general_rate_then": _terms(general[0]),
        "general_rate_new": _terms(general[1]),
    }


def worth(points: int, general: Terms | None) -> int:
    """Points in fen at the general rate, rounded towards nothing; without one 0."""
    if general is None:
        return 0
    fen = abs(points) * general[1] // general[0]
    return fen if points >= 0 else -fen


def mix(own: Mapping[str, Row], named: Mapping[str, OfferNamed]) -> list[dict[str, Any]]:
    """Points by heap, what is unattributed among them; shares in basis points, rounded down and never rescaled."""
    found = {heap: [0, 0] for heap in heaps.HEAPS}
    for key, row in own.items():
        offer = named.get(key)
        heap = heaps.OF_KIND[offer.kind] if offer else heaps.UNATTRIBUTED
        found[heap][0] += row["points_then"]
        found[heap][1] += row["points_new"]
    then, new = (sum(pair[at] for pair in found.values()) for at in (0, 1))
    return [
        {
            "heap": heap,
            "points_then": pair[0],
            "points_new": pair[1],
            "share_bp_then": pair[0] * BASIS_POINTS // then if then else 0,
            "share_bp_new": pair[1] * BASIS_POINTS // new if new else 0,
        }
        for heap, pair in found.items()
    ]


def movers(own: Mapping[str, Row], named: Mapping[str, OfferNamed]) -> list[dict[str, Any]]:
    """The offers whose points move most, of those that move at all."""
    moved = [(key, row) for key, row in own.items() if row["points_new"] != row["points_then"]]
    moved.sort(key=lambda pair: (-abs(pair[1]["points_new"] - pair[1]["points_then"]), int(pair[0])))
    return [
        _offer(named.get(key), key)
        | _pair(row)
        | {"redemptions": row["count"], "impossible": row["impossible"]}
        for key, row in moved[:MOST_MOVERS]
    ]


def warnings(own: Mapping[str, Row], known: Known) -> list[dict[str, Any]]:
    """Offers that cost more than their points are worth, those worth less than bill credit from now on, a draft without price."""
    found: list[dict[str, Any]] = []
    then, new = known.general
    for key, row in sorted(own.items(), key=lambda pair: int(pair[0])):
        offer = known.offers.get(key)
        if offer is None or offer.kind == HISTORY or not row["points_new"]:
            continue
        paid_then, paid_new = worth(row["points_then"], then), worth(row["points_new"], new)
        place, cost, value = _offer(offer, key), row["net_cost_new"], row["net_value_new"]
        if new and cost > paid_new:
            was_so = then is not None and row["net_cost_then"] > paid_then
            found.append(place | _warning(COST_ABOVE_WORTH, cost, paid_new, was_so))
        if then and new and row["net_value_then"] >= paid_then and value < paid_new:
            found.append(place | _warning(PREMIUM_NEGATIVE, value, paid_new, False))
    return found + _of_unit(known, {one["offer"] for one in found})


def _of_unit(known: Known, told: set[str | None]) -> list[dict[str, Any]]:
    unit = known.unit
    if unit is None:
        return []
    offer = ids.public("off", unit.offer_id) if unit.offer_id is not None else None
    place = {"offer": offer, "code": unit.code, "names": {"zh-CN": unit.code, "en": unit.code}}
    if unit.price_points is None:
        return [place | _warning(NO_PRICE, unit.cost_fen, 0, False)]
    paid = worth(unit.price_points, known.general[1])
    found = []
    if offer is None or offer not in told:
        if known.general[1] and unit.cost_fen > paid:
            found.append(place | _warning(COST_ABOVE_WORTH, unit.cost_fen, paid, False))
        if known.general[1] and unit.value_fen < paid:
            found.append(place | _warning(PREMIUM_NEGATIVE, unit.value_fen, paid, False))
    return found


def _warning(what: str, fen: int, points_worth_fen: int, was_so: bool) -> dict[str, Any]:
    return {"what": what, "fen": fen, "points_worth_fen": points_worth_fen, "was_so": was_so}


def _drafted(known: Known) -> dict[str, Any] | None:
    unit = known.unit
    if unit is None:
        return None
    return {
        "code": unit.code,
        "is_new": unit.offer_id is None,
        "price_points": unit.price_points,
        "value_fen": unit.value_fen,
        "cost_fen": unit.cost_fen,
    }


def _segments(rows: Mapping[str, Sequence[int]], names: Mapping[str, dict[str, str]]) -> list[dict[str, Any]]:
    return [
        {"key": key, "names": names.get(key, {"zh-CN": key, "en": key})}
        | _who([_row(row)])
        | _pair(_row(row))
        for key, row in sorted(rows.items())
    ]


def _who(rows: Sequence[Row]) -> dict[str, int]:
    members, better, worse = (sum(row[name] for row in rows) for name in ("members", "better", "worse"))
    return {"members": members, "better": better, "worse": worse, "same": members - better - worse}


def _pair(row: Row) -> dict[str, int]:
    return {"points_then": row["points_then"], "points_new": row["points_new"]}


def _offer(offer: OfferNamed | None, key: str) -> dict[str, Any]:
    names = offer.names if offer else {"zh-CN": key, "en": key}
    return {"offer": ids.public("off", int(key)), "code": offer.code if offer else key, "names": names}


def _row(row: Sequence[int]) -> Row:
    return dict(zip(FIGURES, row, strict=True))


def _terms(terms: Terms | None) -> dict[str, int] | None:
    return {"points": terms[0], "per_fen": terms[1]} if terms else None
