"""What the billing sandbox remembers: credits and adjustments, the balances that follow, and the faults in force."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from threading import Event, Lock
from typing import Any

from app.sandbox.tmf654 import API, Refusal, dumps, loads
from base import clock


class Billing:
    """Credits, adjustments and balances in memory, each of the first two also a line of the state file, and the faults."""

    def __init__(self, state_file: Path | None) -> None:
        self.topups: list[dict[str, Any]] = []
        self.adjusts: list[dict[str, Any]] = []
        self.buckets: dict[str, dict[str, Any]] = {}
        self.faults: list[dict[str, Any]] = []
        self.pause = Event()
        self.seen = Counter[int]()  # calls that would have been a fault's, by fault
        self._lock = Lock()
        self._file = state_file
        if state_file is not None:
            state_file.parent.mkdir(parents=True, exist_ok=True)
            for line in whole_lines(state_file):
                self._take(loads(line))

    def credit(self, body: dict[str, Any], amount: Decimal) -> dict[str, Any]:
        """Put the amount on the bucket, as a new topup; 409 for another unit than the bucket has."""
        with self._lock:
            bucket = self.buckets.get(body["bucket"]["id"])
            if bucket:
                _same_units(bucket, body)
            return self._enter(body, "topup", len(self.topups) + 1, amount)

    def adjust(self, body: dict[str, Any], amount: Decimal, *, below_zero: bool = False) -> dict[str, Any]:
        """Change what is on the bucket, as a new adjustment. 404 for a bucket that is not there; 409 for another unit and,
        unless a fault wants it so, where less than nothing would be left: what was used cannot be taken back.
        """
        with self._lock:
            bucket = self.buckets.get(body["bucket"]["id"])
            if bucket is None:
                raise Refusal(404, "notFound", "no bucket of this id")
            _same_units(bucket, body)
            if bucket["remainingValue"]["amount"] + amount < 0 and not below_zero:
                raise Refusal(409, "notEnough", "the bucket has less than is to be taken off")
            body = body | {"partyAccount": bucket["partyAccount"]}
            return self._enter(body, "adjust", len(self.adjusts) + 1, amount)

    def _enter(self, body: dict[str, Any], kind: str, number: int, amount: Decimal) -> dict[str, Any]:
        moment = clock.now().isoformat()
        made = body | {
            "id": f"{kind}-{number}",
            "href": f"{API}/{kind}Balance/{kind}-{number}",
            "amount": body["amount"] | {"amount": amount},
            "requestedDate": moment,
            "confirmationDate": moment,
            "status": "completed",
        }
        if self._file:
            with self._file.open("a", encoding="ascii") as file:
                file.write(dumps(made) + "\n")
        self._take(made)
        return made

    def _take(self, made: dict[str, Any]) -> None:
        before = self.buckets.get(made["bucket"]["id"], {"remainingValue": {"amount": Decimal(0)}})
        self.buckets[made["bucket"]["id"]] = {
            "id": made["bucket"]["id"],
            "href": f"{API}/bucket/{made['bucket']['id']}",
            "partyAccount": made["partyAccount"],
            "usageType": made["usageType"],
            "status": "active",
            "remainingValue": {
                "amount": before["remainingValue"]["amount"] + made["amount"]["amount"],
                "units": made["amount"]["units"],
            },
        }
        (self.adjusts if made["id"].startswith("adjust-") else self.topups).append(made)

    def set_faults(self, faults: list[dict[str, Any]]) -> None:
        """These faults from now on; whoever pauses because of an earlier one goes on."""
        with self._lock:
            self.faults, self.seen = faults, Counter[int]()
            self.pause.set()
            self.pause = Event()

    def fault(self, on: str, description: str, bucket: str) -> dict[str, Any]:
        """The first fault that matches, used up once; {} if there is none."""
        here = {"description": description, "bucket": bucket}
        with self._lock:
            for fault in self.faults:
                asked = fault.get("match", {})
                if fault.get("on", "topup") == on and all(here[name] == text for name, text in asked.items()):
                    self.seen[id(fault)] += 1
                    if self.seen[id(fault)] % fault.get("every", 1):
                        continue
                    if "times" in fault:
                        fault["times"] -= 1
                        self.faults = [each for each in self.faults if each.get("times", 1) > 0]
                    return fault
        return {}


def _same_units(bucket: dict[str, Any], body: dict[str, Any]) -> None:
    if bucket["remainingValue"]["units"] != body["amount"]["units"]:
        raise Refusal(409, "unitsDiffer", "the bucket has another unit")


def whole_lines(state_file: Path) -> list[bytes]:
    """The lines of a state file; one torn by a crash, at its end, is cut off: it was never answered."""
    text = state_file.read_bytes() if state_file.exists() else b""
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        state_file.write_bytes(whole)
    return whole.splitlines()
