"""Rotating the pepper of the digests: rows of older peppers get the newest one's digest, made from the sealed code.

Some rows in each transaction, skipping those that somebody else holds just now, so that two runs share the work and tills go
on meanwhile: a look-up asks for the digests of all live peppers. An old pepper may be dropped once no row names it.
"""

from collections.abc import Iterable

from sqlalchemy import bindparam, exists, func, select, update
from sqlalchemy.orm import Session

from catalog.vouchers import codes
from catalog.vouchers.codes import Keys
from catalog.vouchers.models import Voucher

BATCH = 500


def peppers(session: Session) -> dict[int, int]:
    """How many vouchers name each pepper, by its id."""
    rows = session.execute(
        select(Voucher.pepper_id, func.count()).group_by(Voucher.pepper_id).order_by(Voucher.pepper_id)
    )
    return {row[0]: row[1] for row in rows}


def is_named(session: Session, pepper_ids: Iterable[int]) -> bool:
    """Whether a voucher still names one of these peppers."""
    return bool(session.scalar(select(exists().where(Voucher.pepper_id.in_(list(pepper_ids))))))


def step(session: Session, keys: Keys, pepper_ids: Iterable[int], *, limit: int = BATCH) -> int:
    """Give some vouchers of these older peppers the newest one's digest; how many. Rows that others hold are left out.

    A code that its seal does not open raises InvalidTag, and nothing of the step is kept.
    """
    asked = (
        select(Voucher)
        .where(Voucher.pepper_id.in_(list(pepper_ids)))
        .order_by(Voucher.pepper_id, Voucher.member_id, Voucher.voucher_id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    found = list(session.scalars(asked, execution_options={"populate_existing": True}))
    if found:
        session.connection().execute(_WRITE, [_fresh(keys, voucher) for voucher in found])
    return len(found)


def _fresh(keys: Keys, voucher: Voucher) -> dict[str, object]:
    symbols = codes.opened(keys, voucher.voucher_id, voucher.code_sealed)
    return {
        "member": voucher.member_id,
        "voucher": voucher.voucher_id,
        "old": voucher.pepper_id,
        "pepper": keys.newest,
        "made": codes.digest(keys, keys.newest, symbols),
    }


_WRITE = (
    update(Voucher.__table__)  # type: ignore[arg-type]
    .where(
        Voucher.member_id == bindparam("member"),
        Voucher.voucher_id == bindparam("voucher"),
        Voucher.pepper_id == bindparam("old"),
    )
    .values(pepper_id=bindparam("pepper"), digest=bindparam("made"))
)
