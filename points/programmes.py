"""Programmes: points schemes of one brand, each with its unit name, zone and currency."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import database, ids
from base.errors import Conflict, NotFound
from points.models import Programme


class ProgrammeUnknown(NotFound):
    """There is no such programme."""

    zh = "没有该积分计划。"


class ProgrammeClosed(Conflict):
    """This programme is closed."""

    zh = "该积分计划已关闭。"
    next_en, next_zh = "Its points can be looked at, not used.", "积分可以查看，但不能再使用。"


UNIT = {"zh-CN": "积分", "en": "points"}  # a name of its own may also have a form for one, `en-one`


def unit_of(programme: Programme) -> dict[str, str]:
    """What a programme calls its points, by language."""
    return {language: (programme.unit or UNIT)[language] for language in UNIT}


def create(
    session: Session,
    code: str,
    names: dict[str, str],
    *,
    zone: str,
    currency: str,
    minimum_tenure_days: int = 0,
    unit: dict[str, str] | None = None,
) -> Programme:
    """The programme of that code; made when it is not there. `unit`: what its points are called, see UNIT."""
    found = session.scalar(select(Programme).where(Programme.code == code))
    if found is None:
        found = Programme(
            programme_id=ids.new_id(),
            code=code,
            names=names,
            zone=zone,
            currency=currency,
            minimum_tenure_days=minimum_tenure_days,
            closed_at=None,
            unit=unit,
        )
        session.add(found)
        session.flush()
    return found


def by_code(session: Session, code: str) -> Programme:
    """The programme of a code; ProgrammeUnknown."""
    found = session.scalar(select(Programme).where(Programme.code == code))
    if found is None:
        raise ProgrammeUnknown(programme=code[:64])
    return found


def by_id(session: Session, programme_id: int) -> Programme:
    """The programme of an id; ProgrammeUnknown."""
    found = database.own(session, Programme, programme_id)
    if found is None:
        raise ProgrammeUnknown()
    return found


def open_one(session: Session, programme_id: int) -> Programme:
    """The programme, which must take writes; ProgrammeClosed."""
    return taking_writes(by_id(session, programme_id))


def taking_writes(programme: Programme) -> Programme:
    """The same programme; ProgrammeClosed."""
    if programme.closed_at is not None:
        raise ProgrammeClosed()
    return programme


def every(session: Session) -> list[Programme]:
    """All programmes, by code."""
    return list(session.scalars(select(Programme).order_by(Programme.code)))
