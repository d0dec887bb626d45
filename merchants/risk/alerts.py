"""The queue of alerts: raised once a day for each rule and subject, looked at and closed by a person with a note."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import audit, clock, ids
from base.errors import Conflict, NotFound
from merchants.models import Merchant
from merchants.risk.models import CLOSED, OPEN, Alert

# Rules, with what they say to whoever reads the queue.
GUESSING, MERCHANT_GUESSING, FLEET_GUESSING = "guessing", "merchant-guessing", "fleet-guessing"
COPIED_KEY, MANY_VOIDS, SAME_MEMBER = "copied-key", "many-voids", "same-member"
TWO_OUTLETS, OFF_HOURS = "two-outlets", "off-hours"
PACKS_LOW = "packs-low"
OUTLET_SURGE = "outlet-surge"
RULES: dict[str, dict[str, str]] = {
    GUESSING: {"en": "Many unknown codes at one till", "zh-CN": "同一终端输入大量未知券码"},
    MERCHANT_GUESSING: {"en": "Many unknown codes at one merchant", "zh-CN": "同一商户输入大量未知券码"},
    FLEET_GUESSING: {"en": "Many unknown codes at all tills together", "zh-CN": "全部终端合计未知券码过多"},
    COPIED_KEY: {"en": "A till's key may have been copied", "zh-CN": "终端密钥可能被复制"},
    MANY_VOIDS: {"en": "A clerk undoes unusually often", "zh-CN": "店员撤销次数异常"},
    SAME_MEMBER: {"en": "One clerk and one member, again and again", "zh-CN": "同一店员反复为同一会员核销"},
    TWO_OUTLETS: {"en": "One clerk at two outlets on a day", "zh-CN": "同一店员一天内出现在两家门店"},
    OFF_HOURS: {"en": "Accepted while the outlet is closed", "zh-CN": "在门店营业时间外核销"},
    OUTLET_SURGE: {"en": "An outlet accepts far more than usual", "zh-CN": "门店核销量远高于平时"},
    PACKS_LOW: {"en": "A merchant's packs of points run low", "zh-CN": "商户预购的积分即将用完"},
}
NO_MERCHANT = 0


class AlertUnknown(NotFound):
    """There is no such alert."""

    zh = "没有该预警。"


class AlertClosed(Conflict):
    """Somebody has closed this alert already."""

    zh = "该预警已被处理。"


@dataclass(frozen=True)
class About:
    """Whom an alert is about; `subject` tells alerts of one rule and day apart."""

    merchant_id: int
    subject: str
    outlet_id: int | None = None
    terminal_id: int | None = None
    clerk_id: int | None = None


def put(
    session: Session, rule: str, about: About, facts: dict[str, Any], at: datetime, *, renew: bool = True
) -> None:
    """Raise an alert; the open one of the same day gets the newer facts (`renew`), a closed one stays closed for that day."""
    zone = session.scalar(select(Merchant.zone).where(Merchant.merchant_id == about.merchant_id))
    wanted = insert(Alert).values(
        alert_id=ids.new_id(),
        merchant_id=about.merchant_id,
        rule=rule,
        subject=about.subject,
        on_day=clock.day(at, zone or "UTC"),
        outlet_id=about.outlet_id,
        terminal_id=about.terminal_id,
        clerk_id=about.clerk_id,
        facts=facts,
        raised_at=at,
        latest_at=at,
        state=OPEN,
    )
    if not renew:
        session.execute(wanted.on_conflict_do_nothing())
        return
    session.execute(
        wanted.on_conflict_do_update(
            index_elements=["merchant_id", "rule", "subject", "on_day"],
            set_={"facts": wanted.excluded.facts, "latest_at": wanted.excluded.latest_at},
            where=Alert.state == OPEN,
        )
    )


def listed(session: Session, state: str, *, before: int | None = None, limit: int = 50) -> list[Alert]:
    """The newest alerts in a state, from before one on."""
    asked = select(Alert).where(Alert.state == state)
    if before is not None:
        asked = asked.where(Alert.alert_id < before)
    return list(session.scalars(asked.order_by(Alert.alert_id.desc()).limit(limit)))


def count_open(session: Session) -> int:
    """How many wait for a person."""
    return session.scalar(select(func.count()).where(Alert.state == OPEN)) or 0


def find(session: Session, alert_id: int) -> Alert:
    """An alert; AlertUnknown."""
    found = session.get(Alert, alert_id)
    if found is None:
        raise AlertUnknown()
    return found


def close(
    session: Session, alert_id: int, outcome: str, note: str, staff_id: int, actor: str, at: datetime
) -> Alert:
    """What a person found; once. AlertClosed for whoever comes second."""
    find(session, alert_id)
    closed = session.execute(
        update(Alert)
        .where(Alert.alert_id == alert_id, Alert.state == OPEN)
        .values(state=CLOSED, outcome=outcome, note=note, closed_by=staff_id, closed_at=at)
        .returning(Alert)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if closed is None:
        raise AlertClosed()
    audit.write(session, actor, "till-alert.closed", ids.public("alr", alert_id), outcome=outcome)
    return closed
