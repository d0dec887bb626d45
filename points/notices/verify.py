"""Proof of what was told: a notice about a posting names a debit of its member, and each notice ahead has its message."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding
from points.kinds import Kind

MOST = 100
_ABOUT = f"""
select n.member_id, n.notice_id from notice n left join posting p on p.member_id = n.member_id and p.seq = n.seq
where n.seq is not null and (p.seq is null or p.kind not in
  ({int(Kind.REDEEM)}, {int(Kind.CAPTURE)}, {int(Kind.ADJUST_DOWN)}, {int(Kind.UNEARN)}, {int(Kind.OWE)},
   {int(Kind.REPAY)})) limit %s
"""
_AHEAD = """
select coalesce(e.member_id, n.member_id), coalesce(e.notice_id, n.notice_id) from expiry_notice e
full join (select * from notice where template = 'expiry-ahead') n
  on n.member_id = e.member_id and n.notice_id = e.notice_id
where e.notice_id is null or n.notice_id is null limit %s
"""


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    connection = session.connection()
    for member_id, notice_id in connection.exec_driver_sql(_ABOUT, (MOST,)):
        yield Finding(
            "notice posting", f"{member_id} {notice_id}", "it tells a posting that is no debit of its member"
        )
    for member_id, notice_id in connection.exec_driver_sql(_AHEAD, (MOST,)):
        yield Finding(
            "expiry notice", f"{member_id} {notice_id}", "a notice ahead and its message are not one to one"
        )
