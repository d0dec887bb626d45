"""What the demo's members are beside what they do: where they live, middle bill, risk grade, interests; and segments.

All of it is drawn by the demo's seed and told as another system would tell it. Names of areas are those of real places,
the members are invented.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from base import channels
from base.auth.principals import Staff
from base.config import Config
from points.groups import groups
from points.groups.models import RANKS
from points.members import areas, attributes
from points.members.attributes import AREA, ARPU, RISK
from points.members.models import Member
from points.models import Programme
from points.preferences import preferences
from points.segments import segments
from points.segments.rules import Conditions, Rule

AREAS: Mapping[str, tuple[str, str]] = {
    "33": ("浙江省", "Zhejiang"),
    "3301": ("杭州市", "Hangzhou"),
    "330102": ("上城区", "Shangcheng"),
    "330106": ("西湖区", "Xihu"),
    "330108": ("滨江区", "Binjiang"),
    "330109": ("萧山区", "Xiaoshan"),
    "3302": ("宁波市", "Ningbo"),
    "330203": ("海曙区", "Haishu"),
    "330206": ("北仑区", "Beilun"),
    "330212": ("鄞州区", "Yinzhou"),
    "3303": ("温州市", "Wenzhou"),
    "330302": ("鹿城区", "Lucheng"),
    "330304": ("瓯海区", "Ouhai"),
    "330382": ("乐清市", "Yueqing"),
}
COUNTIES = [code for code in AREAS if len(code) == 6]
RISKS = (0.66, 0.16, 0.09, 0.06, 0.03)
GROUPS = (("滨江软件", "top"), ("西湖医药", "top"), ("甬江物流", "a"), ("瓯越鞋业", "b"))
CONTACTS_EACH = 6
SAYING = 200
SOURCE = "crm"
SEGMENTS: tuple[tuple[str, str, str, Conditions], ...] = (
    (
        "top-senior", "百强集团高层领导", "Senior contacts of top groups",
        Conditions(kinds=("contact",), classes=("top",), ranks=("senior",)),
    ),
    (
        "hangzhou-gold", "杭州金卡及以上", "Hangzhou, gold and above",
        Conditions(areas=("3301",), tiers=("gold", "diamond")),
    ),
    (
        "arpu-50-100", "ARPU值50元-100元", "Middle bill of 50 to 100 yuan",
        Conditions(arpu_from_fen=5_000, arpu_below_fen=10_000),
    ),
    ("risk-3", "离网风险三星及以上", "Risk of three stars and more", Conditions(risk_at_least=3)),
    ("health", "关注健康", "Interested in health", Conditions(interests=("health",))),
    ("birthday", "本月生日", "Birthday this month", Conditions(birthday_this_month=True)),
    (
        "wenzhou-long", "温州在网两年以上", "Wenzhou, two years and more",
        Conditions(areas=("3303",), tenure_from_months=24, lines=("active",)),
    ),
    ("mzone-young", "动感地带低于30元", "M-Zone below 30 yuan", Conditions(programmes=("mzone",), arpu_below_fen=3_000)),
)  # fmt: skip


def tell(session: Session, today: date, at: datetime, *, seed: int = 7) -> None:
    """Areas with their names, what each member is, and a few groups with contacts."""
    for code, (zh, en) in AREAS.items():
        areas.add(session, code, {"zh-CN": zh, "en": en})
    members = session.scalars(
        select(Member).where(Member.left_on.is_(None)).order_by(Member.programme_id, Member.customer_id)
    ).all()
    random = np.random.Generator(np.random.PCG64(seed))
    told = _drawn([member.member_id for member in members], random)
    gone = session.scalars(
        select(Member).where(Member.left_on.is_not(None)).order_by(Member.programme_id, Member.customer_id)
    ).all()
    # Who left lived somewhere too, else no area would ever lose anybody.
    lived = random.choice(COUNTIES, len(gone))
    told |= {(member.member_id, AREA): str(county) for member, county in zip(gone, lived, strict=True)}
    bills = _middle_bills(session, today)
    told |= {(member_id, ARPU): str(fen) for member_id, fen in bills.items()}
    attributes.add_many(
        session, {(member_id, name, today): value for (member_id, name), value in told.items()}, source=SOURCE
    )
    _groups(session, at)


def interests(session: Session, config: Config, at: datetime) -> None:
    """Some members say what they like, the more of the better liked; every eighth does not consent to be chosen by it."""
    asked = select(Member.member_id).where(Member.left_on.is_(None)).order_by(Member.member_id)
    liked = list(preferences.ALL_INTERESTS)
    for number, member_id in enumerate(session.scalars(asked.limit(SAYING)).all()):
        values = [liked[number * number % len(liked)], liked[number % 3]]
        preferences.say(
            session, config, member_id, preferences.INTERESTS, values,
            consent=number % 8 > 0, channel=channels.MEMBER_WEB, at=at,
        )  # fmt: skip


def make_segments(session: Session, editor: Staff, at: datetime, today: date) -> None:
    """Eight segments of the kinds that operators speak of."""
    for code, zh, en, who in SEGMENTS:
        segments.create(session, editor, code, {"zh-CN": zh, "en": en}, Rule(who), at, today)


def _drawn(member_ids: list[int], random: np.random.Generator) -> dict[tuple[int, str], str]:
    count, told = len(member_ids), dict[tuple[int, str], str]()
    counties = random.choice(COUNTIES, count)
    risks = random.choice(len(RISKS), count, p=RISKS)
    for number, member_id in enumerate(member_ids):
        told[member_id, AREA] = str(counties[number])
        told[member_id, RISK] = str(risks[number])
    return told


def _middle_bills(session: Session, today: date) -> dict[int, int]:
    """What a month's bill was in the last quarter, in whole fen."""
    rows = session.connection().exec_driver_sql(
        "select member_id, (sum(amount_fen) / 3)::bigint from bill_line join member using (member_id) "
        "where bill_day > %s and left_on is null group by member_id",
        (today - timedelta(days=92),),
    )
    return {int(member_id): int(fen) for member_id, fen in rows}


def _groups(session: Session, at: datetime) -> None:
    """The last members of the first programme become groups and their contacts; too few members, fewer groups."""
    programme = session.scalar(select(Programme).where(Programme.code == "gotone"))
    assert programme is not None
    asked = select(Member.customer_id).where(
        Member.programme_id == programme.programme_id, Member.left_on.is_(None)
    )
    found = session.scalars(
        asked.order_by(Member.member_id.desc()).limit(len(GROUPS) * (CONTACTS_EACH + 1))
    ).all()
    for number, (name, group_class) in enumerate(GROUPS):
        customer, *contacts = found[number * (CONTACTS_EACH + 1) :][: CONTACTS_EACH + 1] or [""]
        if not contacts:
            return
        group = groups.set_up(session, programme.programme_id, customer, name, group_class, at, "demo")
        for nth, contact in enumerate(contacts):
            groups.set_contact(session, group, contact, RANKS[min(nth // 2, 2)], at, "demo")
