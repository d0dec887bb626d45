"""The state file: every object, key and balance outlives the process, one JSON line for each change, the last one counts.

Balances are not written: they are what the balance transactions come to. Faults and links of onboarding are forgotten.
"""

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.stripe_twin.core import KEYS_LIVE_S, Kept
from tests.stripe_twin.twin import Twin
from tests.stripe_twin.webhooks import THREE_DAYS_S

Line = dict[str, Any]


def keep(twin: Twin, file: Path) -> None:
    """Read what is there into this fresh twin, and write all that follows behind it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    for text in _whole_lines(file):
        _take(twin, json.loads(text))
    _derive(twin)
    twin.journal = []
    _compact(twin, file)
    twin.touched.clear()
    twin.flush = lambda: _append(twin, file)


def _whole_lines(file: Path) -> list[str]:
    """Without one that a crash has torn, at the end: it was never answered."""
    text = file.read_text("ascii") if file.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


def _append(twin: Twin, file: Path) -> None:
    journal, twin.journal = twin.journal or [], []
    things = [
        {"account": account, "thing": twin.things[account, kind][ident]}
        for account, kind, ident in twin.touched
    ]
    twin.touched.clear()
    if things or journal:
        with file.open("a", encoding="ascii") as opened:
            opened.write("".join(json.dumps(line) + "\n" for line in [*things, *journal]))


def _compact(twin: Twin, file: Path) -> None:
    """One line for each thing: what the last run left behind it in many."""
    fresh = file.with_suffix(".fresh")
    fresh.touch(mode=0o600)
    with fresh.open("w", encoding="ascii") as opened:
        for line in _all(twin):
            opened.write(json.dumps(line) + "\n")
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(file)


def _all(twin: Twin) -> Iterator[Line]:
    yield {"ahead_s": twin.ahead_s}
    if twin.day is not None:
        yield {"day": twin.day}
    for (account, _), kept in twin.things.items():
        for thing in kept.values():
            yield {"account": account, "thing": thing}
    for key, answer in twin.keys.items():
        if answer.at + KEYS_LIVE_S > twin.now():
            yield {"key": key, **vars(answer)}
    for payout, txns in twin.settled.items():
        yield {"settled": payout, "txns": txns}
    for ident, secret in twin.webhooks.secrets.items():
        yield {"endpoint": ident, "secret": secret, "connect": ident in twin.webhooks.connect}


def _take(twin: Twin, line: Line) -> None:
    if "thing" in line:
        twin.keep(line["thing"], line["account"])
    elif "key" in line:
        key = line.pop("key")
        twin.keys[key] = Kept(**line)
    elif "settled" in line:
        twin.settled[line["settled"]] = line["txns"]
    elif "endpoint" in line:
        twin.webhooks.secrets[line["endpoint"]] = line["secret"]
        if line["connect"]:
            twin.webhooks.connect.add(line["endpoint"])
    elif "gone" in line:
        twin.all("webhook_endpoint").pop(line["gone"], None)
        twin.webhooks.secrets.pop(line["gone"], None)
    elif "day" in line:
        twin.day = line["day"]
    else:
        twin.ahead_s = line["ahead_s"]


def _derive(twin: Twin) -> None:
    """What follows from the objects: balances, what no payout holds yet, payouts under way, events that nobody took."""
    held = {txn for txns in twin.settled.values() for txn in txns}
    for (account, kind), kept in list(twin.things.items()):
        for ident, thing in kept.items():
            if kind == "balance_transaction":
                twin.count(account, thing)
                if ident not in held:
                    twin.unsettled[account][ident] = thing
            elif kind == "payout" and thing["status"] == "in_transit":
                twin.in_transit[ident] = account
            elif (
                kind == "event" and thing["pending_webhooks"] and thing["created"] + THREE_DAYS_S > twin.now()
            ):
                twin.webhooks.tell(list(twin.all("webhook_endpoint").values()), thing, thing["created"])
    count = sum(len(kept) for kept in twin.things.values())
    twin._numbers = itertools.count(count + 1)
