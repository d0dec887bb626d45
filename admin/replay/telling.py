"""The report of a replay: plain JSON in whole numbers, with the names that it needs and the assumption that it stands on."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.replay import figures
from admin.replay.changes import EARN_RULE, Drafted
from admin.replay.figures import Known, OfferNamed, Unit
from admin.replay.models import ReplayRun
from admin.replay.reading import Draft
from admin.replay.segments import ARPU_BANDS_FEN, SEGMENTS, Sums
from base import clock
from base.approvals import approvals
from base.money import yuan_text
from catalog.offers import offers
from catalog.offers.models import OfferState
from catalog.rates import rates
from points.explain import tier_name
from points.members import areas
from points.segments.words import CLASS_WORDS

Words = dict[str, str]
ASSUMPTION = {
    "zh-CN": "假设会员行为不变：会员仍按原样兑换或消费，只按草案重新计价。",
    "en": "Behaviour assumed unchanged: members do exactly what they did, and only the draft's terms are applied to it.",
}
NOTES: dict[str, Words] = {
    "facts": {
        "zh-CN": "会员的等级、地区、集团类别和账单额按回放当日的情况计算。",
        "en": "Tier, area, class of group and middle bill of a member are those of the day of the replay.",
    },
    "not_asked": {
        "zh-CN": "不重新检查资格、次数限制和库存。",
        "en": "Eligibility, limits by member and stock are not asked again.",
    },
    "history": {
        "zh-CN": "本系统之前的兑换保持原价，计入未归类部分。",
        "en": "What was redeemed before this system keeps its price and is the unattributed part.",
    },
    "merchants": {
        "zh-CN": "商户应得额按全部券均被核销计算，未扣手续费和税。",
        "en": "Merchants: as if all was taken at the till; before fee and tax.",
    },
    "lines": {
        "zh-CN": "账单行按全额缴清计算，不计之后的更正；等待规则的账单行不计。",
        "en": "Bill lines count as if paid in full, without later corrections; lines that wait for a rule are left out.",
    },
}
UNKNOWN = {"zh-CN": "未知", "en": "not known"}
NONE: dict[str, Words] = {
    "tier": {"zh-CN": "无等级", "en": "no tier"},
    "area": UNKNOWN,
    "class": {"zh-CN": "非集团", "en": "no group"},
    "arpu": UNKNOWN,
}


def report(session: Session, run: ReplayRun, draft: Draft, sums: Sums) -> dict[str, Any]:
    """What a run found, once all parts are summed up; everything but the sums is read as it is now."""
    general = draft.change.general(run.until_day)
    if draft.kind == EARN_RULE:
        general = (rates.load(session, run.programme_id, run.until_day).general,) * 2
    unit = _unit(draft, run) if draft.change.drafted else None
    known = Known(
        general=tuple((one.points, one.per_fen) if one else None for one in general),  # type: ignore[arg-type]
        offers=_offers(session, sums),
        names=_names(session, sums),
        unit=unit,
    )
    notes = ("lines", "facts") if draft.kind == EARN_RULE else ("facts", "not_asked", "history", "merchants")
    return {
        "assumption": ASSUMPTION,
        "kind": draft.kind,
        "programme": draft.programme.code,
        "currency": draft.programme.currency,
        "proposal": approvals.reference(run.proposal_id),
        "content_hash": run.content_hash.hex(),
        "months": run.months,
        "from_day": run.from_day.isoformat(),
        "until_day": run.until_day.isoformat(),
        "rows_left_out": draft.left_out,
        "notes": [NOTES[name] for name in notes],
        **figures.of(draft.kind, sums, known),
    }


def _unit(draft: Draft, run: ReplayRun) -> Unit:
    """The drafted version by itself: what a unit takes of anybody."""
    drafted: Drafted | None = draft.change.drafted
    assert drafted is not None
    rate = draft.change.price_terms(run.until_day)
    price = rates.price(rate, drafted.value_fen) if rate else None
    return Unit(draft.name, drafted.offer_id, price, drafted.value_fen, drafted.cost_fen)


def _offers(session: Session, sums: Sums) -> dict[str, OfferNamed]:
    wanted = [int(key) for key in sums.get("offer", {})]
    asked = select(OfferState.offer_id, OfferState.code, OfferState.kind).where(
        OfferState.offer_id.in_(wanted)
    )
    names = offers.names_of(session, set(wanted), clock.now()) if wanted else {}
    return {
        str(row.offer_id): OfferNamed(
            row.offer_id, row.code, row.kind, names.get(row.offer_id, {"zh-CN": row.code, "en": row.code})
        )
        for row in session.execute(asked)
    }


def _names(session: Session, sums: Sums) -> Mapping[str, Mapping[str, Words]]:
    return {
        what: {key: _name(session, what, key) for key in sums.get(what, {})}
        for what in SEGMENTS
    }  # fmt: skip


def _name(session: Session, what: str, key: str) -> Words:
    if not key:
        return NONE[what]
    if what == "tier":
        return dict(tier_name(key))
    if what == "area":
        return areas.full_name(session, key) or {"zh-CN": key, "en": key}
    if what == "class":
        zh, en = CLASS_WORDS.get(key, (key, key))
        return {"zh-CN": zh, "en": en}
    return band(int(key))


def band(number: int) -> Words:
    """A band of the middle bill, in yuan: the lower end included, the upper one excluded."""
    low = yuan_text(ARPU_BANDS_FEN[number - 1]).removesuffix(".00") if number else None
    high = yuan_text(ARPU_BANDS_FEN[number]).removesuffix(".00") if number < len(ARPU_BANDS_FEN) else None
    if low is None:
        return {"zh-CN": f"{high} 元以下", "en": f"below {high} yuan"}
    if high is None:
        return {"zh-CN": f"{low} 元及以上", "en": f"{low} yuan and more"}
    return {"zh-CN": f"{low}–{high} 元", "en": f"{low} to {high} yuan"}
