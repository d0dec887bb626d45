"""Notices: messages for people, written in the transaction of what they tell. Nothing is sent to the outside here:
a gateway takes them from this table; in development a page shows them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import clock, ids, seals
from base.models import Notice


@dataclass(frozen=True)
class Message:
    """A notice, opened."""

    at: datetime
    channel: str
    receiver: str
    text: str


def send(session: Session, seal_key: str, member_id: int, channel: str, receiver: str, text: str) -> None:
    """Leave a message ("sms" or "mail") for a receiver; both are sealed at rest."""
    notice_id = ids.new_id()
    bound = f"notice:{notice_id}"
    session.add(
        Notice(
            member_id=member_id,
            notice_id=notice_id,
            channel=channel,
            receiver_sealed=seals.seal(seal_key, receiver, bound),
            text_sealed=seals.seal(seal_key, text, bound),
            at=clock.now(),
        )
    )


def latest(session: Session, seal_key: str, limit: int = 50) -> list[Message]:
    """The newest messages, for the development page."""
    rows = session.scalars(select(Notice).order_by(Notice.notice_id.desc()).limit(limit))
    return [
        Message(
            row.at,
            row.channel,
            seals.opened(seal_key, row.receiver_sealed, f"notice:{row.notice_id}"),
            seals.opened(seal_key, row.text_sealed, f"notice:{row.notice_id}"),
        )
        for row in rows
    ]
