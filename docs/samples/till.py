"""A cash desk in one file: signed requests, check, accept, void, and no voucher taken twice. Needs `cryptography`.

python3 till.py pair tea-hangzhou-desk 123456   makes a key, pairs it by the six digits, prints the terminal's id
python3 till.py check 7M4P-8KQ2-XZ3T8           what the voucher is, and the token that accepts it
python3 till.py sell 7M4P-8KQ2-XZ3T8 [UNITS]    check and accept, all of it or some units
python3 till.py direct 7M4P-8KQ2-XZ3T8 [UNITS]  accept without a check, where the merchant's terms allow that
python3 till.py void acc_... "wrong item"       undo an acceptance
python3 till.py earn 13912345678 3600           points for a purchase, by the member's number; the amount in fen
python3 till.py unearn ern_... "goods back"     take these points back, on the same day
python3 till.py outcome KEY                     what became of the request with this Idempotency-Key
"""

import base64
import hashlib
import http.client
import json
import os
import pathlib
import secrets
import sys
import time
import urllib.error
import urllib.request
import uuid

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

BASE = os.environ.get("BASE", "http://127.0.0.1:8080")
TERMINAL = os.environ.get("TERMINAL", "trm_YOURS")
CLERK = os.environ.get("CLERK", "01")
KEY_FILE = pathlib.Path(os.environ.get("KEY_FILE", "till.pem"))
WAITS = [5] * 5 + [40] * 8  # seconds between the 14 tries of one write


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def private_key() -> Ed25519PrivateKey:
    return serialization.load_pem_private_key(KEY_FILE.read_bytes(), None)


def next_counter() -> int:
    """Grows with each request and over restarts; one process signs for one terminal."""
    file = KEY_FILE.with_suffix(".counter")
    last = int(file.read_text()) if file.exists() else 0
    counter = max(last + 1, time.time_ns() // 1000)
    file.write_text(str(counter))
    return counter


def signed(method: str, target: str, body: bytes) -> dict[str, str]:
    """The four headers. `target` is the path with its query, exactly as it is sent."""
    timestamp, nonce = str(int(time.time())), f"{next_counter()}.{secrets.token_urlsafe(16)}"
    lines = [method, target, hashlib.sha256(body).hexdigest(), timestamp, nonce, TERMINAL]
    signature = b64url(private_key().sign("\n".join(lines).encode()))
    return {
        "Jifen-Terminal": TERMINAL,
        "Jifen-Timestamp": timestamp,
        "Jifen-Nonce": nonce,
        "Jifen-Signature": signature,
    }


def ask(method: str, target: str, told: dict | None = None, key: str | None = None, *, sign: bool = True):
    """One request; its status and answer. OSError: no answer came."""
    body = b"" if told is None else json.dumps(told).encode()
    headers = {"Content-Type": "application/json", "Accept-Language": "en"}
    headers |= signed(method, target, body) if sign else {}
    headers |= {"Idempotency-Key": key} if key else {}
    request = urllib.request.Request(BASE + target, body or None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read() or b"{}")


def write(target: str, told: dict, key: str):
    """A write that must not be done twice: while the result is unknown the same key goes again, signed anew."""
    for wait in [*WAITS, None]:
        try:
            status, answer = ask("POST", target, told, key)
            if status < 500 and answer.get("type") != "/problems/still-running":
                return status, answer
        except (OSError, ValueError, http.client.HTTPException) as error:
            answer = {"type": "no answer", "detail": str(error)}
        if wait is None:
            sys.exit(f"still unknown, ask later: till.py outcome {key}\n{json.dumps(answer)}")
        print(f"checking ... ({answer['type']})", file=sys.stderr)
        time.sleep(wait)


def pair(code: str, digits: str):
    """The key is made here and stays here; only its public half is sent, with a proof that it is ours."""
    if not KEY_FILE.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        KEY_FILE.touch(mode=0o600)
        KEY_FILE.write_bytes(pem)
    raw = private_key().public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    proof = private_key().sign("\n".join(["pair", code, digits, "ed25519", b64url(raw)]).encode())
    told = {"terminal": code, "code": digits, "algorithm": "ed25519"}
    told |= {"public_key": b64url(raw), "proof": b64url(proof)}
    return ask("POST", "/v1/terminals/pairings", told, sign=False)


def check(code: str):
    return ask("POST", "/v1/vouchers/check", {"code": code, "clerk": CLERK})


def accept(told: dict, units: list[str]):
    key = str(uuid.uuid4())  # made before the first try, and kept with the sale
    print(f"Idempotency-Key {key}", file=sys.stderr)
    told |= {"clerk": CLERK} | ({"units": int(units[0])} if units else {})
    return write("/v1/vouchers/accept", told, key)


def sell(code: str, *units: str):
    status, found = check(code)
    return accept({"check_token": found["check_token"]}, list(units)) if status == 200 else (status, found)


def direct(code: str, *units: str):
    return accept({"code": code}, list(units))


def void(acceptance: str, reason: str):
    told = {"reason": reason, "clerk": CLERK}
    return write(f"/v1/acceptances/{acceptance}/void", told, str(uuid.uuid4()))


def earn(phone: str, amount_fen: str):
    told = {"phone": phone, "amount_fen": int(amount_fen), "clerk": CLERK}
    return write("/v1/earnings", told, str(uuid.uuid4()))


def unearn(earning: str, reason: str):
    return write(f"/v1/earnings/{earning}/reverse", {"reason": reason, "clerk": CLERK}, str(uuid.uuid4()))


def outcome(key: str):
    return ask("GET", "/v1/acceptances/outcome", key=key)


if __name__ == "__main__":
    deeds = {deed.__name__: deed for deed in (pair, check, sell, direct, void, earn, unearn, outcome)}
    if len(sys.argv) < 2 or sys.argv[1] not in deeds:
        sys.exit(__doc__)
    status, answer = deeds[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(answer, ensure_ascii=False, indent=2))
    sys.exit(0 if status < 300 else 1)
