"""Many members' present numbers, languages and zones in one statement."""

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from base import seals, vault
from base.config import Config


@dataclass(frozen=True)
class Receiver:
    """Where a member's messages go, in which language, and whose quiet hours are kept."""

    phone: str = field(repr=False)
    language: str | None
    zone: str


def of_many(session: Session, config: Config, members: Collection[int]) -> dict[int, Receiver]:
    """Those of the members that have a number."""
    rows = session.connection().exec_driver_sql(
        "select distinct on (m.member_id) m.member_id, m.language, g.zone, p.sealed, p.keyed from member m "
        "join programme g on g.programme_id = m.programme_id join phone p on p.member_id = m.member_id "
        "where m.member_id = any(%s) and p.until is null order by m.member_id, p.since desc",
        (sorted(members),),
    )
    found = list(rows)
    keys = vault.keys_there(session, config.seal_key, [row[0] for row in found if row[4]])
    return {
        member_id: Receiver(
            seals.opened(keys[member_id] if keyed else config.seal_key, sealed, f"phone:{member_id}"),
            language,
            zone,
        )
        for member_id, language, zone, sealed, keyed in found
    }
