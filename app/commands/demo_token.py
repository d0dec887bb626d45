"""jifen demo-token: a token as the operator's app would hand it over, to try signing in by it. Development only."""

import json

import click

from app import demo_app, local_setup
from base import clock


@click.command("demo-token")
@click.argument("customer_id")
@click.option("--programme", default="gotone", show_default=True, help="Its code.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def demo_token(customer_id: str, programme: str, as_json: bool) -> None:
    """Print a token for a customer: POST it to /v1/sign-ins/app, or send it as Authorization: Bearer. Five minutes, once."""
    made = demo_app.token(local_setup.ready(), customer_id, programme, clock.now())
    click.echo(json.dumps({"token": made}) if as_json else made)


verbs = (demo_token,)
