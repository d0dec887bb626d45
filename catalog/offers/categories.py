"""Categories that offers are sorted into, with their names in both languages; a further one is a line here."""

CATEGORIES: dict[str, dict[str, str]] = {
    "bill": {"zh-CN": "话费", "en": "Phone bill"},
    "data": {"zh-CN": "流量与新业务", "en": "Data and services"},
    "dining": {"zh-CN": "餐饮", "en": "Eating and drinking"},
    "shopping": {"zh-CN": "购物", "en": "Shopping"},
    "leisure": {"zh-CN": "休闲娱乐", "en": "Leisure"},
    "sport": {"zh-CN": "运动健身", "en": "Sport"},
    "beauty": {"zh-CN": "美容美发", "en": "Beauty"},
    "health": {"zh-CN": "健康养生", "en": "Health"},
    "family": {"zh-CN": "亲子家庭", "en": "Family"},
    "learning": {"zh-CN": "学习培训", "en": "Learning"},
    "car": {"zh-CN": "汽车服务", "en": "Car"},
    "travel": {"zh-CN": "出行", "en": "Travel"},
    "club": {"zh-CN": "俱乐部活动", "en": "Club"},
    "goods": {"zh-CN": "实物礼品", "en": "Goods"},
}


def names_of(category: str) -> dict[str, str]:
    """What a category is called; one that is no longer in the list is called by its code."""
    return CATEGORIES.get(category, {"zh-CN": category, "en": category})
