"""Proof of tasks of care: about members who are there, done by contacts that are there, for occasions that are known."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from admin.care.occasions import OCCASIONS
from base.findings import Finding

MOST = 100
_WRONG = (
    (
        "its member is unknown",
        "select t.member_id, t.task_id from care_task t left join member m using (member_id) where m.member_id is null",
    ),
    (
        "its programme is not the member's",
        "select t.member_id, t.task_id from care_task t join member m using (member_id) where m.programme_id <> t.programme_id",
    ),
    (
        "a person ended it and no contact says how",
        "select t.member_id, t.task_id from care_task t where t.state in ('done', 'not-reached') "
        "and t.ended_by like 'staff:%' and t.contact_id is null and t.occasion <> 'tier-up-manager'",
    ),
    (
        "its contact is not there, is another person's, or says another result",
        "select t.member_id, t.task_id from care_task t left join contact c "
        "on c.member_id = t.member_id and c.contact_id = t.contact_id where t.contact_id is not null "
        "and (c.contact_id is null or c.actor <> t.ended_by "
        "or (c.result = 'not-reached') <> (t.state = 'not-reached') or c.result = 'call-again')",
    ),
)
_UNKNOWN = "select t.member_id, t.task_id from care_task t where t.occasion <> all(:known)"


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with tasks of care, at most MOST of a kind. Read-only."""
    for why, statement in _WRONG:
        for member_id, task_id in session.execute(text(f"{statement} order by 1, 2 limit {MOST}")):
            yield Finding("care task", f"{member_id} {task_id}", why)
    for member_id, task_id in session.execute(
        text(f"{_UNKNOWN} order by 1, 2 limit {MOST}"), {"known": list(OCCASIONS)}
    ):
        yield Finding("care task", f"{member_id} {task_id}", "its occasion is none of ours")
