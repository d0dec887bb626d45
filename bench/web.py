"""The very server that `make run` starts, with one route more: a bare view with one SELECT 1, to hold others against."""

from flask import Flask

from app.serve import application as served
from base import database
from base.auth.guard import open_to_all

BARE = "/v1/bench/select-1"


def application() -> Flask:
    """What gunicorn runs in the benchmark; it serves nobody else."""
    app = served()
    app.add_url_rule(BARE, "bench.bare", open_to_all(_bare))
    return app


def _bare() -> dict[str, bool]:
    with database.begin() as session:
        return {"answers": database.answers(session)}
