"""Areas: where a member belongs, as the codes of administrative divisions (GB/T 2260): 33 a province, 3301 one of its
cities, 330106 one of that city's counties. Whoever works for an area sees what its code begins; the empty code is all.
"""

import re
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base.auth import roles
from base.errors import Invalid, NotFound
from points.members.models import Area

EVERYWHERE = ""
AREA = re.compile(r"(?:[0-9]{2}){1,3}", re.ASCII)


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
    return roles.level(code)


def name(session: Session, code: str) -> dict[str, str] | None:
    """What an area is called in both languages; None where nobody has said so."""
    found = session.get(Area, code)
    return found.names if found else None


def full_name(session: Session, code: str) -> dict[str, str] | None:
    """The names from the province down, as an address has them; None where no part of it has a name."""
    return full_names(session, [code]).get(code)


def full_names(session: Session, codes: Iterable[str]) -> dict[str, dict[str, str]]:
    """The same of several areas by code, without those of which no part has a name."""
    parts = {code: [code[:end] for end in (2, 4, 6) if end <= len(code)] for code in codes}
    asked = select(Area).where(Area.code.in_({part for some in parts.values() for part in some}))
    known = {row.code: row.names for row in session.scalars(asked)}
    named = {code: [known[part] for part in some if part in known] for code, some in parts.items()}
    return {
        code: {
            "zh-CN": "".join(one["zh-CN"] for one in some),
            "en": ", ".join(one["en"] for one in some[::-1]),
        }
        for code, some in named.items()
        if some
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
