"""Populations for tests of facts and segments: members of every kind, told straight to the tables that rules read."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from base import clock, database, ids
from points.groups.models import CLASSES, RANKS

AT = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
PLAIN: dict[str, Any] = {
    "arpu_fen": None, "risk": None, "area": "", "birthday": None, "tiers": [], "tiers_until": None, "interests": [],
}  # fmt: skip


def given_facts(member_id: int, **values: Any) -> None:
    """What a member is; names of columns of member_facts."""
    said = ", ".join(f"{name} = :{name}" for name in values)
    with database.begin() as session:
        session.execute(
            text(f"update member_facts set {said} where member_id = :m"), {**values, "m": member_id}
        )


def given_class(member_id: int, group_class: str) -> None:
    """The member is a group of a class."""
    assert group_class in CLASSES
    with database.begin() as session:
        session.execute(
            text(
                "insert into group_profile select member_id, programme_id, :at, :c, 'G' from member where member_id = :m"
            ),
            {"m": member_id, "c": group_class, "at": AT},
        )
    given_facts(member_id, kind="group")


def given_contact(group_id: int, member_id: int, rank: str, *, until: datetime | None = None) -> None:
    """The member is, or was, a contact of a group."""
    assert rank in RANKS
    with database.begin() as session:
        session.execute(
            text("insert into group_contact values (:g, :m, :id, :at, :until, :rank)"),
            {"g": group_id, "m": member_id, "id": ids.new_id(), "at": AT, "until": until, "rank": rank},
        )


def today() -> date:
    return clock.day(clock.now(), "Asia/Shanghai")
