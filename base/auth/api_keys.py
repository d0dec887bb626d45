"""API keys of the operator's systems: jk_<id>_<secret>, shown once, stored as a digest."""

import hashlib
import hmac
import secrets
from datetime import datetime

from sqlalchemy.orm import Session

from base.auth.models import ApiKey
from base.auth.permissions import AREA_SCOPES, SERVICE_SCOPES
from base.auth.principals import ANONYMOUS, Anonymous, Service
from base.errors import Invalid


def issue(
    session: Session, name: str, programme_id: int, scopes: list[str], at: datetime, area: str = ""
) -> str:
    """Make a key, maybe for the members of one area; the returned text is the only time the secret is seen.

    Unknown scopes are Invalid, and so are those about a whole programme for a key of one area.
    """
    unknown = sorted(set(scopes) - SERVICE_SCOPES)
    if unknown:
        raise Invalid(f"unknown scopes: {', '.join(unknown)}; known: {', '.join(sorted(SERVICE_SCOPES))}")
    if area and (whole := sorted(set(scopes) - AREA_SCOPES)):
        raise Invalid(f"a key for one area cannot have {', '.join(whole)}: these are about a whole programme")
    key_id, secret = secrets.token_hex(8), secrets.token_hex(24)
    session.add(
        ApiKey(
            key_id=key_id,
            secret_digest=_digest(secret),
            name=name,
            programme_id=programme_id,
            scopes=sorted(set(scopes)),
            made_at=at,
            ends_at=None,
            area=area,
        )
    )
    return f"jk_{key_id}_{secret}"


def find(session: Session, text: str, at: datetime) -> Service | Anonymous:
    """The service that a key stands for; ANONYMOUS when it is unknown or ended."""
    mark, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    row = session.get(ApiKey, key_id) if mark == "jk" and key_id.isalnum() else None
    if row is None or (row.ends_at and row.ends_at <= at):
        return ANONYMOUS
    if not hmac.compare_digest(row.secret_digest, _digest(secret)):
        return ANONYMOUS
    return Service(row.key_id, row.programme_id, frozenset(row.scopes) & SERVICE_SCOPES, row.area)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
