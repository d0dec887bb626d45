"""The devices that a member is known by: the first one at once, each further one after a code was entered on it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import seals
from base.auth.models import SignIn
from base.auth.sign_ins import Device
from base.config import Config
from points.members.models import MemberDevice


def at_sign_in(
    session: Session, config: Config, member_id: int, mark: str | None, words: str, at: datetime
) -> Device:
    """The device as its sign-in keeps it; the first one that a member is seen on is the member's own."""
    digest = _digest(config, member_id, mark) if mark else None
    of_member = MemberDevice.member_id == member_id
    if session.scalar(select(exists().where(of_member))):
        known = bool(session.scalar(select(exists().where(of_member, MemberDevice.digest == digest))))
    else:
        known = True
        _remember(session, member_id, digest, at)
    return Device(words, digest, known)


def known(session: Session, config: Config, member_id: int, mark: str | None) -> bytes | None:
    """The digest of a device that the member is known by; None for a strange one."""
    if not mark:
        return None
    found = session.get(MemberDevice, (member_id, _digest(config, member_id, mark)))
    return found.digest if found else None


def of_member(session: Session, member_id: int) -> Sequence[bytes]:
    """The digests of all devices that the member is known by."""
    return session.scalars(select(MemberDevice.digest).where(MemberDevice.member_id == member_id)).all()


def trust(session: Session, member_id: int, sign_in: bytes | None, at: datetime) -> None:
    """A code was entered where this sign-in is: from now on the device is the member's own."""
    found = session.execute(
        update(SignIn)
        .where(SignIn.token_digest == (sign_in or b""), SignIn.trusted_at.is_(None))
        .values(trusted_at=at)
        .returning(SignIn.mark)
    ).one_or_none()
    if found is not None:
        _remember(session, member_id, found.mark, at)


def _digest(config: Config, member_id: int, mark: str) -> bytes:
    return seals.blind(config.secret_key, "device", f"{member_id}\n{mark}")


def _remember(session: Session, member_id: int, digest: bytes | None, at: datetime) -> None:
    if digest is not None:
        row = {"member_id": member_id, "digest": digest, "since": at}
        session.execute(insert(MemberDevice).values(row).on_conflict_do_nothing())
