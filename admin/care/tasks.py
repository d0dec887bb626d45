"""Doing a task: each deed is a contact by a way that the member wants, or a reason why none is needed."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from admin.care import occasions
from admin.care.models import CareTask
from admin.care.opening import DONE, LEFT, NOT_NEEDED, NOT_REACHED, OPEN
from admin.contacts import contacts
from admin.contacts.contacts import Told
from base import audit, ids, vault
from base.auth.principals import Principal, Staff
from base.config import Config
from base.errors import Conflict, Invalid, NotFound
from base.vault import PersonErased
from points.members import scope
from points.preferences import preferences

READS, WORKS, TELLS = "care:read", "care:work", "care:tell"
WAYS = ("telephone_manager", "account_manager", "hotline", "group_hotline", "hall", "service_assistant",
        "sms", "official_account")  # fmt: skip
REASONS: dict[str, dict[str, str]] = {
    "cared-for": {"zh-CN": "近期已联系过", "en": "The member was in touch lately"},
    "no-contact-wanted": {"zh-CN": "客户不希望被联系", "en": "The member wants no contact"},
    "wrong": {"zh-CN": "场景不成立", "en": "The occasion is wrong"},
    "other": {"zh-CN": "其他原因", "en": "Another reason"},
}
BY_ITSELF: dict[str, dict[str, str]] = {
    LEFT: {"zh-CN": "客户已离网", "en": "The member has left"},
    "birthday-corrected": {"zh-CN": "生日已更正", "en": "The birthday was corrected"},
}
ENDS = {
    contacts.REACHED: DONE,
    contacts.DECLINED: DONE,
    contacts.NOT_REACHED: NOT_REACHED,
    contacts.LATER: OPEN,
}


class CareTaskUnknown(NotFound):
    """There is no such task."""

    zh = "没有该关怀任务。"


class CareTaskEnded(Conflict):
    """This task has ended already."""

    zh = "该关怀任务已办结。"


class WayRefused(Conflict):
    """The member does not want to be reached this way."""

    zh = "客户不接受以该方式联系。"
    next_en, next_zh = "Choose a way that the member agreed to, or say why no contact is needed.", "请改用客户同意的方式，或注明无需联系的原因。"  # fmt: skip


class ManagerNotNamed(Conflict):
    """This task is done by naming an account manager."""

    zh = "该任务须先绑定客户经理。"
    next_en, next_zh = "Name one on the member's page; the task then ends by itself.", "请在会员页面绑定客户经理，任务会自动办结。"  # fmt: skip


class BadReason(Invalid):
    """Why a task is not needed is one of the list."""

    zh = "请选择列表中的原因。"


def find(session: Session, person: Principal, member_id: int, task_id: int) -> CareTask:
    """A task of one of the person's own members; CareTaskUnknown."""
    row = session.get(CareTask, (member_id, task_id), populate_existing=True)
    if row is None or not scope.sees(session, person, member_id):
        raise CareTaskUnknown()
    return row


def ways(session: Session, config: Config, member_id: int) -> tuple[str, ...]:
    """The ways by which the member may be reached: all, until the member says which; none where consent was taken back."""
    try:
        said = preferences.latest(session, config, member_id).get(preferences.CONTACT_BY)
    except PersonErased:
        return ()
    if said is None:
        return () if vault.is_erased(session, member_id) else WAYS
    return tuple(way for way in WAYS if said.consent and way in said.values)


def do(
    session: Session,
    config: Config,
    person: Staff,
    key: tuple[int, int],
    *,
    channel: str,
    result: str,
    words: str,
    at: datetime,
) -> CareTask:
    """Write down how the member was turned to; the task ends, unless it is to be tried again.

    CareTaskUnknown, CareTaskEnded, WayRefused, ManagerNotNamed, BadContact.
    """
    row = _open_one(session, person, key)
    if row.occasion == occasions.MANAGER:
        raise ManagerNotNamed()
    if channel not in ways(session, config, row.member_id):
        raise WayRefused()
    purpose = occasions.PURPOSES.get(row.occasion, occasions.CARE)
    told = Told(channel, contacts.OUT, purpose, result, words)
    made = contacts.record(session, config, person, row.member_id, told, at)
    if ENDS[result] == OPEN:
        return row
    return _end(session, person, row, ENDS[result], at, contact_id=made.contact_id)


def not_needed(session: Session, person: Staff, key: tuple[int, int], reason: str, at: datetime) -> CareTask:
    """Nothing is to be done, for a reason of the list. CareTaskUnknown, CareTaskEnded, BadReason."""
    if reason not in REASONS:
        raise BadReason(choices=list(REASONS))
    return _end(session, person, _open_one(session, person, key), NOT_NEEDED, at, reason=reason)


def reference(row: CareTask) -> str:
    """Its public id."""
    return ids.public("cre", row.member_id, row.task_id)


def _open_one(session: Session, person: Staff, key: tuple[int, int]) -> CareTask:
    row = find(session, person, *key)
    if row.state != OPEN:
        raise CareTaskEnded(state=row.state)
    return row


def _end(
    session: Session,
    person: Staff,
    row: CareTask,
    state: str,
    at: datetime,
    *,
    contact_id: int | None = None,
    reason: str | None = None,
) -> CareTask:
    # One conditional update: of two who do it at once, one writes, and the other's contact goes with its transaction.
    ended: CareTask | None = session.scalar(
        update(CareTask)
        .where(CareTask.member_id == row.member_id, CareTask.task_id == row.task_id, CareTask.state == OPEN)
        .values(state=state, ended_at=at, ended_by=person.actor, contact_id=contact_id, reason=reason)
        .returning(CareTask)
        .execution_options(populate_existing=True)
    )
    if ended is None:
        raise CareTaskEnded()
    audit.write(session, person.actor, "care-task.ended", ids.public("mbr", row.member_id), state=state)
    return ended
