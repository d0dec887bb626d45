"""The demo operator's merchants and offers, in both languages. Invented; no real shop is meant."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from base.money import yuan_text
from catalog.offers.models import HISTORY

CITIES = (
    ("Hangzhou", "杭州", "3301"),
    ("Ningbo", "宁波", "3302"),
    ("Wenzhou", "温州", "3303"),
    ("Jiaxing", "嘉兴", "3304"),
    ("Shaoxing", "绍兴", "3306"),
)
HOURS = [{"days": [1, 2, 3, 4, 5], "from": "09:00", "until": "21:00"}, {"days": [6, 7], "from": "10:00", "until": "22:00"}]  # fmt: skip
TRADES = (
    ("tea", "茶馆", "Tea house", "dining"),
    ("noodles", "面馆", "Noodle shop", "dining"),
    ("bakery", "面包房", "Bakery", "dining"),
    ("cinema", "影城", "Cinema", "leisure"),
    ("books", "书店", "Bookshop", "shopping"),
    ("market", "超市", "Supermarket", "shopping"),
    ("carwash", "洗车行", "Car wash", "car"),
    ("petrol", "加油站", "Petrol station", "car"),
    ("gym", "健身会所", "Gym", "sport"),
    ("florist", "花店", "Florist", "shopping"),
    ("hairdresser", "理发店", "Hairdresser", "beauty"),
    ("fruit", "水果店", "Fruit shop", "shopping"),
)
CREDITS_YUAN = (1, 5, 10, 30, 50, 100)
FACES_FEN = (650, 700, 800, 1000, 1300, 1600, 1900)
PERKS = (
    ("lounge", "机场贵宾厅一次", "Airport lounge, one visit", "travel", 2000),
    ("film", "电影票一张", "Cinema ticket", "leisure", 1800),
    ("golf", "高尔夫练习一小时", "Golf range, one hour", "sport", 3000),
    ("lecture", "健康养生讲座", "Lecture on healthy living", "club", 1800),
    ("outing", "亲子田园一日", "Family day in the country", "club", 3600),
    ("concert", "新年音乐会", "New Year concert", "club", 2600),
)


PERK_FORMS: dict[str, dict[str, Any]] = {  # a tier that includes one of them pays for it first
    "lounge": {
        "perk": "lounge",
        "pay": ["entitlement", "points"],
        "guests": {"most": 1, "price_percent": 50},
        "provider": "lounge",
    },
    "film": {"guests": {"most": 1}, "provider": "cinema"},
    "golf": {"provider": "golf"},
}
SERVICES = (
    ("data-1g", "1GB 流量包", "Data pack of 1 GB", 300, 0, "当月有效，立即生效。", "For this month, at once."),
    (
        "ring-tones", "彩铃一个月", "Ring tones for a month", 500, 500,
        "首月以积分支付，之后按月计费，可随时退订。", "The first month for points; then by the month until you end it.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class ShopPlan:
    """A merchant to be made."""

    code: str
    names: dict[str, str]
    city: str
    area: str
    outlet: dict[str, str]
    address: dict[str, str]
    category: str


def shops() -> Iterator[ShopPlan]:
    """Sixty merchants: each trade in each city."""
    for number, (city, city_zh, area) in enumerate(CITIES, start=1):
        for trade, trade_zh, trade_en, category in TRADES:
            yield ShopPlan(
                code=f"{trade}-{city.lower()}",
                names={"zh-CN": f"{city_zh}{trade_zh}", "en": f"{trade_en} {city}"},
                city=city,
                area=area,
                outlet={"zh-CN": f"{city_zh}中心店", "en": f"{city} centre"},
                address={"zh-CN": f"{city_zh}市人民路 {number}8 号", "en": f"{number}8 Renmin Road, {city}"},
                category=category,
            )


def credits(began: datetime) -> Iterator[dict[str, Any]]:
    """Bill credit in six sizes."""
    for yuan in CREDITS_YUAN:
        yield {
            "code": f"credit-{yuan}",
            "kind": "bill_credit",
            "value_fen": yuan * 100,
            "cost_fen": yuan * 100,
            "most_units": 100,
            "cancellable": False,
            "category": "bill",
            "names": {"zh-CN": f"{yuan} 元话费", "en": f"{yuan} yuan of bill credit"},
            "texts": {
                "zh-CN": "抵扣下一期账单，通常几分钟内到账。",
                "en": "Lowers your next bill; it usually arrives within minutes.",
            },
            "from_at": began,
        }


def vouchers(shop: ShopPlan, merchant_id: int, number: int, began: datetime) -> dict[str, Any]:
    """One voucher of a shop."""
    face = FACES_FEN[number % len(FACES_FEN)]
    yuan = yuan_text(face)
    return {
        "code": f"voucher-{shop.code}",
        "kind": "voucher",
        "merchant_id": merchant_id,
        "value_fen": face,
        "cost_fen": face * 85 // 100,
        "voucher_days": 90,
        "most_units": 1,
        "cancellable": True,
        "category": shop.category,
        "city": shop.city,
        "names": {
            "zh-CN": f"{shop.names['zh-CN']} {yuan} 元券",
            "en": f"{shop.names['en']}: {yuan} yuan voucher",
        },
        "texts": {
            "zh-CN": f"在{shop.outlet['zh-CN']}使用，90 天内有效，未使用可退回积分。",
            "en": f"Valid at {shop.outlet['en']} for 90 days; unused it can be handed back for the points.",
        },
        "from_at": began,
    }


def perks(began: datetime, today: datetime) -> Iterator[tuple[dict[str, Any], int | None]]:
    """Club perks with their stock, and two events to come, which count their places themselves."""
    for number, (code, zh, en, category, fen) in enumerate(PERKS):
        event_at = today + timedelta(days=7 * number) if number >= 4 else None
        yield (
            {
                "code": f"perk-{code}",
                "kind": "event" if event_at else "perk",
                "form": {"capacity": 40, "waiting": 40} if event_at else PERK_FORMS.get(code, {}),
                "value_fen": fen,
                "cost_fen": fen * 7 // 10,
                "most_units": 1,
                "cancellable": True,
                "category": category,
                "event_at": event_at,
                "names": {"zh-CN": zh, "en": en},
                "texts": {
                    "zh-CN": "名额有限，活动开始前可取消，积分原路退回。",
                    "en": "Places are limited; you may cancel before it begins and the points return.",
                },
                "from_at": began,
            },
            None if event_at else 2_000,
        )


def services(began: datetime) -> Iterator[dict[str, Any]]:
    """Two services of the operator's own: a data pack, and ring tones that cost something each month afterwards."""
    for code, zh, en, fen, monthly_fen, text_zh, text_en in SERVICES:
        yield {
            "code": f"service-{code}",
            "kind": "service",
            "value_fen": fen,
            "cost_fen": fen // 5,
            "most_units": 1,
            "cancellable": False,
            "category": "data",
            "names": {"zh-CN": zh, "en": en},
            "texts": {"zh-CN": text_zh, "en": text_en},
            "form": {"service": code, "months": 1, "monthly_fen": monthly_fen, "provider": "operator"},
            "from_at": began,
        }


def unattributed(began: datetime) -> dict[str, Any]:
    """What stands for redemptions that an earlier system did not attribute; never live."""
    return {
        "code": "unattributed",
        "kind": HISTORY,
        "state": "ended",
        "category": "history",
        "value_fen": 1,
        "cost_fen": 1,
        "cancellable": False,
        "names": {"zh-CN": "未归类兑换", "en": "Redeemed, not attributed"},
        "texts": {
            "zh-CN": "旧系统未记录用途的兑换。",
            "en": "Redemptions of which an earlier system did not say what for.",
        },
        "from_at": began,
    }
