"""Proof of notices: each names a version that was in force, and the versions of a template follow each other."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding

MOST = 100
_TEMPLATE = """
select n.member_id, n.notice_id from notice n left join notice_template t on t.code = n.template and t.version = n.version
where n.version > 0 and (t.code is null or t.from_at > n.at) limit %s
"""
_ORDER = """
select t.code, t.version from notice_template t left join notice_template b on b.code = t.code and b.version = t.version - 1
where t.version > 1 and (b.code is null or b.from_at >= t.from_at) limit %s
"""


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    connection = session.connection()
    for member_id, notice_id in connection.exec_driver_sql(_TEMPLATE, (MOST,)):
        yield Finding(
            "notice template",
            f"{member_id} {notice_id}",
            "its template's version was not in force when it was written",
        )
    for code, version in connection.exec_driver_sql(_ORDER, (MOST,)):
        yield Finding("notice version", f"{code} {version}", "no version before it, or one that begins later")
