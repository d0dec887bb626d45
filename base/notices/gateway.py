"""The only module that talks to the SMS gateway: our small port over HTTP, which a bridge to the operator's speaks.

`POST <url>/messages` with {"reference", "to", "text"} and a bearer key hands a message over. The reference is ours and the
gateway's promise: a second request with the same one is the same message. 200, 201 and 202 with that reference mean taken;
a 4xx with {"reason"} is the gateway's own no; anything else may have been taken, and is asked again with the same reference.
Nothing here touches the database, and neither number nor text is logged.
"""

import json
from dataclasses import dataclass, field

import structlog

from base import calls
from base.config import Config

TAKEN = (200, 201, 202)
BUSY = (401, 408, 425, 429)  # our key, our pace: nothing about this message
PART, LONG_PART = 70, 67  # characters of one SMS that holds Chinese, alone and as part of a longer one

log = structlog.get_logger()


@dataclass(frozen=True)
class Letter:
    """What is handed over. Number and text stay out of its repr."""

    reference: str
    to: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True)
class Taken:
    """The gateway has it, once, under our reference."""


@dataclass(frozen=True)
class Refused:
    """The gateway said no, in its own words: asking again changes nothing. Keep the reason, do not log it."""

    reason: str


@dataclass(frozen=True)
class Again:
    """Not taken, or not known: hand it over again under the same reference."""

    reason: str


Outcome = Taken | Refused | Again


def hand_over(config: Config, letter: Letter) -> Outcome:
    """One try within the time-out; safe to repeat."""
    headers = {"Content-Type": "application/json;charset=utf-8", "Accept": "application/json"}
    if config.sms_key:
        headers["Authorization"] = f"Bearer {config.sms_key}"
    body = json.dumps({"reference": letter.reference, "to": letter.to, "text": letter.text}).encode()
    answer = calls.call("POST", config.sms_url, "/messages", body, headers, config.sms_timeout_s)
    outcome = judge(letter, answer)
    log.info("sms.hand_over", reference=letter.reference, outcome=type(outcome).__name__)
    return outcome


def judge(letter: Letter, answer: calls.Answered | calls.NotSent | calls.Lost) -> Outcome:
    """What an answer means."""
    if not isinstance(answer, calls.Answered):
        return Again(answer.reason)
    told = _json(answer.body)
    if answer.status in TAKEN:
        return (
            Taken() if told.get("reference") == letter.reference else Again("an answer about another message")
        )
    reason = told.get("reason")
    if 400 <= answer.status < 500 and answer.status not in BUSY and isinstance(reason, str):
        return Refused(reason[:200])
    return Again(f"status {answer.status}")


def parts(text: str) -> int:
    """How many SMS a text is; each is paid for."""
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= PART else -(-units // LONG_PART)


def _json(body: bytes) -> dict[str, object]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
