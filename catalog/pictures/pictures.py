"""Keeping a picture once, under the hash of its bytes; what it is is read off its first bytes, whatever it says it is."""

import hashlib
import re
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import audit, clock
from base.auth.principals import MerchantPerson, Staff
from base.errors import Invalid, NotFound
from catalog.pictures.models import Picture

MOST_BYTES = 512 * 1024
PNG, JPEG, WEBP = "image/png", "image/jpeg", "image/webp"
HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


class PictureKindUnknown(Invalid):
    """This is neither a PNG nor a JPEG nor a WebP."""

    zh = "该文件不是 PNG、JPEG 或 WebP 图片。"
    next_en, next_zh = (
        "Save the picture as PNG, JPEG or WebP and send it again.",
        "请转存为 PNG、JPEG 或 WebP 后重新上传。",
    )


class PictureTooLarge(Invalid):
    """A picture has at most 512 KB."""

    zh = "图片不能超过 512 KB。"
    next_en, next_zh = "Make it smaller and send it again.", "请压缩后重新上传。"


class PictureNotThere(NotFound):
    """There is no picture with this hash."""

    zh = "没有该图片。"


def add(session: Session, person: Staff | MerchantPerson, content: bytes) -> Picture:
    """Keep a picture; the one that is there when it is known already. PictureTooLarge, PictureKindUnknown."""
    if len(content) > MOST_BYTES:
        raise PictureTooLarge(bytes=len(content), most=MOST_BYTES)
    media_type = kind_of(content)
    if media_type is None:
        raise PictureKindUnknown()
    digest = hashlib.sha256(content).digest()
    person_id = person.staff_id if isinstance(person, Staff) else person.clerk_id
    values = {"digest": digest, "person_id": person_id, "at": clock.now()}
    fresh = session.scalar(
        insert(Picture)
        .values(**values, media_type=media_type, content=content)
        .on_conflict_do_nothing()
        .returning(Picture.digest)
    )
    if fresh is not None:
        audit.write(session, person.actor, "picture.added", digest.hex(), bytes=len(content))
    return session.get_one(Picture, digest)


def find(session: Session, text: str) -> Picture:
    """The picture of a hash; PictureNotThere."""
    found = session.get(Picture, bytes.fromhex(text)) if HASH.fullmatch(text) else None
    if found is None:
        raise PictureNotThere()
    return found


def known(session: Session, hashes: Collection[str]) -> set[str]:
    """Those of these hashes that there is a picture for."""
    digests = [bytes.fromhex(text) for text in hashes if HASH.fullmatch(text)]
    if not digests:
        return set()
    return {
        found.hex() for found in session.scalars(select(Picture.digest).where(Picture.digest.in_(digests)))
    }


def kind_of(content: bytes) -> str | None:
    """The media type by the first bytes; None: none that we take."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    return None
