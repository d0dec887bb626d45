"""Areas: where a member belongs, as the codes of administrative divisions (GB/T 2260): 33 a province, 3301 one of its
cities, 330106 one of that city's counties. Whoever works for an area sees what its code begins; the empty code is all.
"""

import re

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base.errors import Invalid, NotFound
from points.members.models import Area

EVERYWHERE = ""
AREA = re.compile(r"(?:[0-9]{2}){1,3}", re.ASCII)
LEVELS = {0: "hq", 2: "province", 4: "city", 6: "county"}


class BadArea(Invalid):
    """An area is the code of a province, city or county: two, four or six digits."""

    zh = "地区应为省、市或区县的代码：两位、四位或六位数字。"


class AreaUnknown(NotFound):
    """There is no such area among one's own."""

    zh = "没有该地区，或不在您负责的范围内。"


def checked(code: str) -> str:
    """The code of an area; BadArea."""
    if not AREA.fullmatch(code):
        raise BadArea(area=code[:12])
    return code


def own(mine: str, asked: str | None) -> str:
    """The area that is asked about, else one's own; what lies outside is not there. BadArea, AreaUnknown."""
    area = checked(asked) if asked else mine
    if not area.startswith(mine):
        raise AreaUnknown(area=area)
    return area


def level(code: str) -> str:
    """hq, province, city or county."""
    return LEVELS[len(code)]


def name(session: Session, code: str) -> dict[str, str] | None:
    """What an area is called in both languages; None where nobody has said so."""
    found = session.get(Area, code)
    return found.names if found else None


def full_name(session: Session, code: str) -> dict[str, str] | None:
    """The names from the province down, as an address has them; None where no part of it has a name."""
    parts = [code[:end] for end in (2, 4, 6) if end <= len(code)]
    known = {row.code: row.names for row in session.scalars(select(Area).where(Area.code.in_(parts)))}
    named = [known[part] for part in parts if part in known]
    if not named:
        return None
    return {
        "zh-CN": "".join(one["zh-CN"] for one in named),
        "en": ", ".join(one["en"] for one in named[::-1]),
    }


def every(session: Session) -> list[Area]:
    """All areas that have a name, by code."""
    return list(session.scalars(select(Area).order_by(Area.code)))


def add(session: Session, code: str, names: dict[str, str]) -> None:
    """Name an area, or give it another name."""
    values = {"code": checked(code), "names": names}
    session.execute(
        insert(Area).values(values).on_conflict_do_update(index_elements=["code"], set_={"names": names})
    )
