"""What the billing sandbox remembers: credits, the balances that follow, and the faults in force."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from threading import Event, Lock
from typing import Any

from app.sandbox.tmf654 import API, Refusal, dumps, loads
from base import clock


class Billing:
    """Credits and balances in memory, each credit also a line of the state file, and the faults in force."""

    def __init__(self, state_file: Path | None) -> None:
        self.topups: list[dict[str, Any]] = []
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
        moment = clock.now().isoformat()
        with self._lock:
            bucket = self.buckets.get(body["bucket"]["id"])
            if bucket and bucket["remainingValue"]["units"] != body["amount"]["units"]:
                raise Refusal(409, "unitsDiffer", "the bucket has another unit")
            number = f"topup-{len(self.topups) + 1}"
            topup = body | {
                "id": number,
                "href": f"{API}/topupBalance/{number}",
                "amount": body["amount"] | {"amount": amount},
                "requestedDate": moment,
                "confirmationDate": moment,
                "status": "completed",
            }
            if self._file:
                with self._file.open("a", encoding="ascii") as file:
                    file.write(dumps(topup) + "\n")
            self._take(topup)
        return topup

    def _take(self, topup: dict[str, Any]) -> None:
        before = self.buckets.get(topup["bucket"]["id"], {"remainingValue": {"amount": Decimal(0)}})
        self.buckets[topup["bucket"]["id"]] = {
            "id": topup["bucket"]["id"],
            "href": f"{API}/bucket/{topup['bucket']['id']}",
            "partyAccount": topup["partyAccount"],
            "usageType": topup["usageType"],
            "status": "active",
            "remainingValue": {
                "amount": before["remainingValue"]["amount"] + topup["amount"]["amount"],
                "units": topup["amount"]["units"],
            },
        }
        self.topups.append(topup)

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


def whole_lines(state_file: Path) -> list[bytes]:
    """The lines of a state file; one torn by a crash, at its end, is cut off: it was never answered."""
    text = state_file.read_bytes() if state_file.exists() else b""
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        state_file.write_bytes(whole)
    return whole.splitlines()
