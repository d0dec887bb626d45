"""Example values of what messages name, so that a text can be looked at and tried before it goes to anybody; and trying it."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from base import audit
from base.auth.principals import Staff
from base.config import Config
from base.errors import TooMany
from base.notices import notices, templates
from base.notices.models import TEST, Notice
from base.notices.templates import Fact, Version
from base.notices.texts import EN, KINDS, ZH

TESTS = "notices:test"
MOST, WINDOW = 10, timedelta(hours=1)
VALUES: dict[str, Fact] = {
    "about": {ZH: "滨江咖啡双人套餐", EN: "Riverside coffee for two"},
    "account": "6217 **** 4321",
    "balance": "12,680",
    "code": "481920",
    "day": {ZH: "2026年12月31日", EN: "2026-12-31"},
    "days": 30,
    "event": {ZH: "周末亲子采摘", EN: "Family picking day"},
    "from_day": {ZH: "2026年10月1日", EN: "2026-10-01"},
    "giver": "138****5678",
    "hours": 48,
    "last4": "7F3K",
    "last_day": {ZH: "2026年12月31日", EN: "2026-12-31"},
    "merchant": {ZH: "滨江咖啡", EN: "Riverside Coffee"},
    "minutes": 10,
    "more": {ZH: "，专属客户经理将与您联系。", EN: "; your account manager will call you."},
    "number": "T-20481",
    "offer": {ZH: "滨江咖啡双人套餐", EN: "Riverside coffee for two"},
    "owed": "300",
    "points": "1,200",
    "receiver": "139****1234",
    "subject": {ZH: "积分", EN: "points"},
    "tier": {ZH: "金卡", EN: "gold card"},
    "until": {ZH: "9月30日 18:00", EN: "30 September, 18:00"},
    "yuan": "12.00",
}


class TooManyTests(TooMany):
    """This person has sent ten test messages within the hour."""

    zh = "一小时内测试短信已达 10 条。"
    next_en, next_zh = "Wait an hour.", "请一小时后再试。"


def filled(version: Version, language: str) -> str:
    """A text with the example values in it, without a check code."""
    return version.filled(language, VALUES)


def send(
    session: Session, config: Config, person: Staff, code: str, receiver: str, language: str, at: datetime
) -> Notice:
    """Send the text in force with the example values to a number; in no report. TemplateUnknown, TooManyTests."""
    if code not in KINDS:
        raise templates.TemplateUnknown(template=code[:64])
    sent = select(func.count()).where(
        Notice.member_id == person.staff_id, Notice.subject == TEST, Notice.at > at - WINDOW
    )
    if (session.scalar(sent) or 0) >= MOST:
        raise TooManyTests()
    made = notices.send(
        session,
        config,
        person.staff_id,
        receiver,
        code,
        VALUES,
        zone=config.zone,
        language=language,
        subject=TEST,
    )
    audit.write(session, person.actor, "notice.tested", code, version=made.version)
    return made
