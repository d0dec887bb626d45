"""What clients asked and were told: each operation is on disk before it is sent, and its answer before the next one.

An answer is `acknowledged`, `refused` (certainly nothing was done) or `unknown` (no answer, or one that does not say). After
a run each unknown is asked again with its key; then V4 is judged against the database: acknowledged = 1 effect, refused = 0,
unknown = 0 or 1, and after the retry no more of them.
"""

import json
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACKNOWLEDGED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"
BUSY = "/problems/still-running"
Effects = Callable[[Iterable["Operation"]], dict[Any, int]]


@dataclass
class Operation:
    """A deed that a client asked for once, under one key. `effect`: what the database is asked for to count what came of it."""

    number: int
    kind: str
    key: str
    path: str
    body: Any
    actor: str
    effect: Any
    answer: str = UNKNOWN
    status: int = 0
    reason: str = ""
    tries: int = 0


def answer_of(status: int, body: Any) -> str:
    """How an answer is to be taken: only a clear yes is one, and only a clear no."""
    if 200 <= status < 300:
        return ACKNOWLEDGED
    if 400 <= status < 500 and not (status == 409 and isinstance(body, dict) and body.get("type") == BUSY):
        return REFUSED
    return UNKNOWN


@dataclass
class History:
    """The file of a run, and the same in memory."""

    file: Path
    operations: dict[int, Operation] = field(default_factory=dict)
    statuses: "Counter[tuple[str, int]]" = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def close(self) -> None:
        os.close(self._handle)

    def send(self, kind: str, key: str, path: str, body: Any, actor: str, effect: Any) -> Operation:
        """Note what is about to be sent."""
        with self._lock:
            made = Operation(len(self.operations) + 1, kind, key, path, body, actor, effect)
            self.operations[made.number] = made
        self._append({"n": made.number, "send": kind, "key": key, "path": path, "body": body, "actor": actor})
        return made

    def told(self, operation: Operation, status: int, body: Any, seconds: float = 0.0) -> str:
        """Note the answer (status 0: there was none), and how long it took."""
        operation.tries += 1
        operation.status, operation.answer = status, answer_of(status, body) if status else UNKNOWN
        operation.reason = str(body.get("type", ""))[:100] if isinstance(body, dict) and status >= 400 else ""
        self._append(
            {
                "n": operation.number,
                "told": operation.answer,
                "status": status,
                "reason": operation.reason,
                "s": round(seconds, 3),
            }
        )
        with self._lock:
            self.statuses[operation.kind, status] += 1
        return operation.answer

    def unknown(self) -> list[Operation]:
        return [each for each in list(self.operations.values()) if each.answer == UNKNOWN]

    def counts(self) -> dict[str, int]:
        found = Counter(each.answer for each in list(self.operations.values()))
        return {name: found[name] for name in (ACKNOWLEDGED, REFUSED, UNKNOWN)}

    def _append(self, said: dict[str, Any]) -> None:
        line = (json.dumps(said, ensure_ascii=False) + "\n").encode()
        os.write(self._handle, line)  # one write: lines of two threads do not mix
        os.fdatasync(self._handle)


@dataclass
class Judgement:
    """What became of what was told; each a sentence that names the operations."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return not (self.lost or self.doubled)


def judge(operations: Iterable[Operation], effects: dict[str, Effects]) -> Judgement:
    """V4: for each thing that operations were about, as many effects as acknowledgements, and at most the unknown ones more."""
    found, by_kind = Judgement(), defaultdict[str, list[Operation]](list)
    for each in operations:
        by_kind[each.kind].append(each)
    for kind, asked in by_kind.items():
        counted, about = effects[kind](asked), defaultdict[Any, list[Operation]](list)
        for each in asked:
            about[each.effect].append(each)
        for what, some in about.items():
            told = Counter(each.answer for each in some)
            least, most = told[ACKNOWLEDGED], told[ACKNOWLEDGED] + told[UNKNOWN]
            many = counted.get(what, 0)
            said = f"{kind} {what}: {dict(told)}, {many} effects (operations {[e.number for e in some][:5]})"
            if many < least:
                found.lost.append(said)
            if many > most:
                found.doubled.append(said)
    return found


def read(file: Path) -> list[dict[str, Any]]:
    """The lines of a history, a last one that was cut off left out."""
    lines = []
    for line in file.read_bytes().split(b"\n"):
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines
