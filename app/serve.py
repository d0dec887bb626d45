"""What the web server runs: `gunicorn app.serve:application()`."""

from flask import Flask

from app import loading, safeguards
from app.web import create_app
from app.wiring import wire
from base import logs, process
from base.config import Config
from base.deadlines import STEP_S

_prepared: Flask | None = None


def prepare() -> None:
    """Make the application that processes divided off from this one serve: each needs its own connections, and nothing else."""
    global _prepared
    _prepared = create_app(Config.from_env())


def application() -> Flask:
    """The application of one worker process, wired to its own connections; UnsafeDatabase, OtherSealKey."""
    config = Config.from_env()
    logs.init(as_json=True)
    wire(config, pool_size=config.web_threads + 1, each_s=STEP_S)  # one more, by which readiness is asked
    safeguards.demand(config)
    safeguards.same_key(config)
    made = _prepared or create_app(config)
    loading.over()
    process.notice_the_end()
    return made
