"""Seals: AES-256-GCM for what must be read again (codes, phone numbers), keyed digests for what must only be found."""

import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def seal(key: str, text: str, bound_to: str) -> bytes:
    """The sealed text; opens only with the same key and the same `bound_to`."""
    return seal_bytes(key, text.encode(), bound_to)


def opened(key: str, sealed: bytes, bound_to: str) -> str:
    """The text again; cryptography.exceptions.InvalidTag when it was tampered with."""
    return opened_bytes(key, sealed, bound_to).decode()


def seal_bytes(key: str, content: bytes, bound_to: str) -> bytes:
    """The same for what is no text."""
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(_key(key)).encrypt(nonce, content, bound_to.encode())


def opened_bytes(key: str, sealed: bytes, bound_to: str) -> bytes:
    """The bytes again; cryptography.exceptions.InvalidTag when they were tampered with."""
    return AESGCM(_key(key)).decrypt(sealed[:12], sealed[12:], bound_to.encode())


def blind(key: str, purpose: str, text: str) -> bytes:
    """A keyed digest by which a value can be found without being stored."""
    return hmac.new(_key(key + purpose), text.encode(), hashlib.sha256).digest()


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
