"""`unshare -m python -m tests.torture.disk FOLDER`: a server on a disk of 300 MB that fills up. One line of JSON.

The disk is mounted over the folder where servers of root keep their data, for this process and its children alone.
"""

import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from app.proof import findings
from app.web import create_app
from app.wiring import wire
from base import database, local, schema
from base.config import Config
from base.local_place import find
from tests import given
from tests.given import caller, member_token

SIZE_MB = 300
SETTINGS = {"max_wal_size": "48MB", "min_wal_size": "32MB", "wal_keep_size": "0", "checkpoint_timeout": "30s"}
BACK_S = 5.0


def main() -> None:
    """Redeem, fill the disk, be refused, read, make room, redeem; nothing is half."""
    folder = Path(sys.argv[1])
    roots = find(folder).home.parent
    roots.mkdir(parents=True, exist_ok=True, mode=0o711)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=0711", "tmpfs", str(roots)], check=True
    )
    try:
        said = visit(folder, roots / "filler")
    finally:
        with suppress(local.CannotStart):
            local.remove(folder)
        subprocess.run(["umount", "-l", str(roots)], check=False)
    sys.stdout.write(json.dumps(said) + "\n")


def visit(folder: Path, filler: Path) -> dict[str, Any]:
    servers = local.start(folder)
    with psycopg.connect(servers.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
        for name, value in SETTINGS.items():
            admin.execute(f"alter system set {name} = '{value}'")
    servers.stop()
    servers = local.start(folder)
    schema.migrate(servers.owner_url)
    config = Config.from_env().at(
        database_url=servers.database_url,
        redis_url=servers.redis_url,
        code_above_points=10**12,
        code_above_fen=10**12,
    )
    wire(config, pool_size=4)
    programme = given.given_programme("disk")
    offer = given.given_offer(programme, "perk", value_fen=10)
    member_id = given.given_member(config, programme, points=1_000_000)
    who = caller(create_app(config), member_token(member_id))
    kept, wrong = 0, []
    for _ in range(5):
        kept += who.redeem(offer).status_code == 201
    filler.write_bytes(b"")
    with suppress(OSError), filler.open("ab", buffering=0) as out:
        while True:
            out.write(b"\0" * (1 << 20))
    refused, unknown = 0, list[tuple[str, str]]()
    for number in range(400):
        key, quote = f"full {number}", who.quote(offer)
        if quote.status_code != 201:
            refused += 1
            if refused > 3:
                break
            continue
        answer = who.post("/v1/redemptions", {"quote": quote.json["id"]}, key=key)
        kept += answer.status_code == 201
        if answer.status_code >= 500:
            unknown.append((quote.json["id"], key))
            refused += 1
            wrong += [f"redeeming: {answer.status_code}"] if answer.status_code != 503 else []
    read = who.get("/v1/members/me/wallet").status_code
    filler.unlink()
    began = time.monotonic()
    while (again := _redeemed(who, offer)) != 201:
        if time.monotonic() - began > 30:
            wrong.append(f"still {again} half a minute after there was room")
            break
        if not _runs(folder):
            local.start(folder)
        time.sleep(0.2)
    back = round(time.monotonic() - began, 1)
    kept += again == 201
    settled = [who.post("/v1/redemptions", {"quote": quote}, key=key).status_code for quote, key in unknown]
    kept += sum(status == 201 for status in settled)
    with database.begin() as session:
        wrong += [f"{f.rule}: {f.text}" for f in findings(session)][:3]
        there = session.connection().exec_driver_sql("select count(*) from redemption").scalar_one()
    wrong += [] if there == kept else [f"{there} redemptions, {kept} were told"]
    wrong += [] if refused else ["the disk was never full"]
    wrong += [] if back <= BACK_S else [f"writes went on only {back} s after there was room"]
    return {"done": refused, "read_while_full": read, "back_s": back, "kept": kept, "wrong": wrong[:5]}


def _redeemed(who: Any, offer: Any) -> int:
    quote = who.quote(offer)
    return (
        quote.status_code
        if quote.status_code != 201
        else who.post("/v1/redemptions", {"quote": quote.json["id"]}).status_code
    )


def _runs(folder: Path) -> bool:
    return local.running(folder)


if __name__ == "__main__":
    main()
