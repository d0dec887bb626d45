"""What a message says and to whom lies under the member's own key, so that it is gone when the person is erased."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from base import seals, vault
from base.notices.models import Notice


def sealed(key: str, notice_id: int, text: str) -> bytes:
    """A receiver or a text as it is kept."""
    return seals.seal(key, text, _bound(notice_id))


def opened(session: Session, seal_key: str, rows: Iterable[Notice]) -> dict[int, tuple[str, str]]:
    """Receiver and text by the message's id; those of erased persons are left out."""
    found, rows = {}, list(rows)
    keys = vault.keys_there(session, seal_key, {row.member_id for row in rows if row.keyed})
    for row in rows:
        key = keys.get(row.member_id) if row.keyed else seal_key
        if key is not None:
            bound = _bound(row.notice_id)
            receiver = seals.opened(key, row.receiver_sealed, bound)
            found[row.notice_id] = receiver, seals.opened(key, row.text_sealed, bound)
    return found


def _bound(notice_id: int) -> str:
    return f"notice:{notice_id}"
