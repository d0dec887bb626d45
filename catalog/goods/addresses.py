"""Where goods are sent: checked before any point moves, then kept under the member's own key of the vault alone."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from base import seals, vault
from base.errors import Invalid

FIELDS = {"name": 60, "phone": 20, "region": 60, "street": 120, "postcode": 6}  # the longest that each may be
WHY = {
    "needed": "needed",
    "long": "too long, or not plain text",
    "phone": "a phone number: digits, maybe with + in front and spaces or hyphens",
    "postcode": "six digits",
}
_PHONE = re.compile(r"\+?[0-9](?:[ -]?[0-9]){5,17}", re.ASCII)
_POSTCODE = re.compile(r"[0-9]{6}", re.ASCII)


class BadAddress(Invalid):
    """Nothing can be sent to this address."""

    zh = "收货地址不正确。"
    next_en, next_zh = (
        "Correct the named field; your points were not touched.",
        "请更正标出的内容；您的积分没有变动。",
    )


@dataclass(frozen=True, repr=False)
class Address:
    """A postal address with who takes the parcel; personal, so it has no repr."""

    name: str
    phone: str
    region: str
    street: str
    postcode: str


def faults(told: Mapping[str, object]) -> dict[str, str]:
    """Field -> what is wrong with it (a key of WHY); empty for an address that a parcel can go to."""
    return {name: fault for name in FIELDS if (fault := _fault(name, told.get(name)))}


def checked(told: Mapping[str, object] | None) -> Address:
    """The address; BadAddress with the fields. Nothing of what was told is said again."""
    found = faults(told or {})
    if found:
        first = next(iter(found))
        raise BadAddress(
            "; ".join(f"{name}: {WHY[fault]}" for name, fault in found.items()),
            field=first,
            errors=[{"pointer": f"/address/{name}", "detail": WHY[fault]} for name, fault in found.items()],
        )
    return Address(**{name: _plain(str((told or {})[name])) for name in FIELDS})


def blinded(secret_key: str, asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked, as it is kept with an idempotency key: of an address only a keyed digest."""
    if not asked.get("address"):
        return {name: value for name, value in asked.items() if name != "address"}
    told = json.dumps(asked["address"], sort_keys=True)
    return asked | {"address": seals.blind(secret_key, "address", told).hex()}


def sealed(session: Session, seal_key: str, member_id: int, redemption_id: int, address: Address) -> bytes:
    """The address as it is kept. PersonErased."""
    key = vault.keys_for(session, seal_key, [member_id])[member_id]
    return seals.seal(key, json.dumps(asdict(address)), _bound(redemption_id))


def opened(
    session: Session, seal_key: str, member_id: int, redemption_id: int, sealed: bytes
) -> Address | None:
    """The address again, for whoever sends the parcel and for the member; None: the person was erased."""
    key = vault.keys_there(session, seal_key, [member_id]).get(member_id)
    return Address(**json.loads(seals.opened(key, sealed, _bound(redemption_id)))) if key else None


def _fault(name: str, value: object) -> str | None:
    text = _plain(value) if isinstance(value, str) else ""
    if not text:
        return "needed"
    if len(text) > FIELDS[name] or not {"Cc", "Cs"}.isdisjoint(map(unicodedata.category, text)):
        return "long" if name != "postcode" else "postcode"
    if name == "phone" and not _PHONE.fullmatch(text):
        return "phone"
    return "postcode" if name == "postcode" and not _POSTCODE.fullmatch(text) else None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())


def _bound(redemption_id: int) -> str:
    return f"delivery:{redemption_id}"
