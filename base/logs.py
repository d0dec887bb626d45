"""Logs: structured, one JSON line per event (plain text on a terminal), never personal data, codes or tokens."""

import logging
import sys

import structlog

HIDDEN = frozenset(
    {"phone", "name", "code", "token", "password", "pin", "secret", "email", "receiver", "text"}
)


def init(*, as_json: bool, level: int = logging.INFO) -> None:
    """Set up logging for this process; logs go to stderr, each line in one write: several processes share it."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_personal_data,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def request_id() -> str | None:
    """The number of the request that is being answered, as the log lines of this moment name it; None: there is none."""
    found = structlog.contextvars.get_contextvars().get("request_id")
    return str(found) if found else None


def _without_personal_data(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for field in HIDDEN & event.keys():
        event[field] = "(hidden)"
    return event
