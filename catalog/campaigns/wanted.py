"""What a merchant asks for in a campaign, and the part of an offer's document that it comes to. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from base import clock
from base.errors import Invalid
from catalog.campaigns.models import BIRTHDAY, HOLIDAY, KINDS, MEMBER_DAY
from catalog.publishing import contents

DAY = timedelta(days=1)
PERS = ("ever", "year", "month", "day")
# The parts of a document that are the merchant's: what it gives, to whom and when. Nobody else changes them.
BOUND = (
    "names", "texts", "pictures", "eligibility", "limits", "most_units", "cancellable", "voucher_days", "form", "value_fen",
    "until_at", "merchant", "stock", "currency",
)  # fmt: skip


class CampaignKindUnknown(Invalid):
    """There is no such kind of campaign."""

    zh = "没有该活动类型。"


class MemberDaysMissing(Invalid):
    """A member day names weekdays or days of the month."""

    zh = "会员日活动需选择星期或每月的日期。"
    next_en, next_zh = "Choose at least one day.", "请至少选择一天。"


class HolidayDaysMissing(Invalid):
    """A holiday campaign has a first and a last day."""

    zh = "节日活动需填写开始和结束日期。"
    next_en, next_zh = "Fill in both days.", "请填写两个日期。"


class SharesOverWhole(Invalid):
    """You and the brand together cannot bear more than the whole price."""

    zh = "商户与品牌方承担的比例之和不能超过 100%。"
    next_en, next_zh = "Choose a smaller share.", "请降低承担比例。"


class LessThanTheTerms(Invalid):
    """The terms in force say that you bear more of the price."""

    zh = "低于现行结算条款约定的商户承担比例。"
    next_en = "Name at least the share of the terms, or leave the field empty."
    next_zh = "请填写不低于条款的比例，或留空按条款执行。"


@dataclass(frozen=True)
class Wanted:
    """A campaign as it is written down: money in fen, shares in basis points, days by the merchant's calendar, both included.

    `weekdays`, `days`: of a member day. `use_weekdays`: on which weekdays it can be used, none: on all; `closed`: not on these
    days. `outlets`: public ids, none: all. `stock` None: no limit. `most` for each member within `per`. `merchant_bp` None: what
    the terms say. `voucher_days`: how long a voucher lives. `picture`: the hash of one that is kept.
    """

    kind: str
    names: dict[str, str]
    texts: dict[str, str]
    value_fen: int
    voucher_days: int
    stock: int | None = None
    most: int | None = None
    per: str = "ever"
    merchant_bp: int | None = None
    wished_points: int | None = None
    first_day: date | None = None
    last_day: date | None = None
    weekdays: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    use_weekdays: tuple[int, ...] = ()
    closed: tuple[tuple[date, date], ...] = ()
    outlets: tuple[str, ...] = ()
    picture: str | None = None


def check(wanted: Wanted, *, terms_bp: int, brand_bp: int) -> None:
    """What no step of an offer asks. CampaignKindUnknown, MemberDaysMissing, HolidayDaysMissing, LessThanTheTerms, SharesOverWhole.

    `terms_bp`, `brand_bp`: what merchant and brand bear by the terms in force.
    """
    if wanted.kind not in KINDS:
        raise CampaignKindUnknown(field="kind", choices=list(KINDS))
    if wanted.kind == MEMBER_DAY and not (wanted.weekdays or wanted.days):
        raise MemberDaysMissing(field="member_days")
    if wanted.kind == HOLIDAY and (wanted.first_day is None or wanted.last_day is None):
        raise HolidayDaysMissing(field="last_day")
    if wanted.merchant_bp is not None and wanted.merchant_bp < terms_bp:
        raise LessThanTheTerms(field="merchant_bp", least=terms_bp)
    if wanted.merchant_bp is not None and wanted.merchant_bp + brand_bp > 10_000:
        raise SharesOverWhole(field="merchant_bp", most=10_000 - brand_bp)


def document(wanted: Wanted, merchant: str, currency: str, zone: str) -> dict[str, Any]:
    """The merchant's part of an offer's document."""
    from_at = clock.start_of(wanted.first_day, zone).isoformat() if wanted.first_day else None
    until_at = clock.start_of(wanted.last_day + DAY, zone).isoformat() if wanted.last_day else None
    return {
        "names": wanted.names,
        "texts": wanted.texts,
        "pictures": [wanted.picture] if wanted.picture else [],
        "eligibility": _for_whom(wanted),
        "limits": [{"most": wanted.most, "of": "member", "per": wanted.per}] if wanted.most else [],
        "most_units": 1,
        "cancellable": True,
        "voucher_days": wanted.voucher_days,
        "form": _form(wanted),
        "value_fen": wanted.value_fen,
        "from_at": from_at,
        "until_at": until_at,
        "merchant": merchant,
        "stock": wanted.stock,
        "currency": currency,
    }


def of(kind: str, content: dict[str, Any], wished_points: int | None, zone: str) -> Wanted:
    """What was asked for, read back off a document, to be changed."""
    form, limit = content["form"], next(iter(content["limits"]), None)
    asked = content["eligibility"].get("member_days", {})
    return Wanted(
        kind=kind,
        names=content["names"],
        texts=content["texts"],
        value_fen=content["value_fen"],
        voucher_days=content["voucher_days"],
        stock=content["stock"],
        most=limit["most"] if limit else None,
        per=limit["per"] if limit else PERS[0],
        merchant_bp=form.get("merchant_bp"),
        wished_points=wished_points,
        first_day=_day(content["from_at"], zone),
        last_day=_day(content["until_at"], zone, before=True),
        weekdays=tuple(asked.get("weekdays", ())),
        days=tuple(asked.get("days", ())),
        use_weekdays=tuple(form["hours"][0]["weekdays"]) if "hours" in form else (),
        closed=tuple(
            (date.fromisoformat(one["from"]), date.fromisoformat(one["to"])) for one in form.get("closed", ())
        ),
        outlets=tuple(form.get("outlets", ())),
        picture=next(iter(content["pictures"]), None),
    )


def from_now_on(content: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The document with a first moment that is to come: one that is over means "from the approval on"."""
    begins = contents.moment(content["from_at"])
    return content | {"from_at": None} if begins is not None and begins <= at else content


def altered(content: dict[str, Any], proposed: dict[str, Any]) -> list[str]:
    """Which of the merchant's parts a proposal says otherwise."""
    return [name for name in BOUND if content.get(name) != proposed.get(name)]


def _for_whom(wanted: Wanted) -> dict[str, Any]:
    if wanted.kind == BIRTHDAY:
        return {"birthday_month": True}
    if wanted.kind == MEMBER_DAY:
        parts = {"days": list(wanted.days), "weekdays": list(wanted.weekdays)}
        return {"member_days": {name: value for name, value in parts.items() if value}}
    return {}


def _form(wanted: Wanted) -> dict[str, Any]:
    form: dict[str, Any] = {"type": "value"}
    if wanted.outlets:
        form["outlets"] = list(wanted.outlets)
    if wanted.use_weekdays:
        form["hours"] = [{"weekdays": list(wanted.use_weekdays)}]
    if wanted.closed:
        form["closed"] = [{"from": one.isoformat(), "to": other.isoformat()} for one, other in wanted.closed]
    if wanted.merchant_bp:
        form["merchant_bp"] = wanted.merchant_bp
    return form


def _day(moment: str | None, zone: str, *, before: bool = False) -> date | None:
    at = contents.moment(moment)
    if at is None:
        return None
    return clock.day(at, zone) - DAY if before else clock.day(at, zone)
