"""jifen example eras: configurations to look at and to try files on. Harmless to repeat."""

import json

import click
from sqlalchemy.orm import Session

from app import local_setup
from base import database
from catalog.rates import rates
from points import eras, programmes
from points.programmes import ProgrammeUnknown

CODE = "eras"
NAMES = {"zh-CN": "三个时期的示例", "en": "Example: three eras"}


@click.group()
def example() -> None:
    """Make a programme from an example; others stay as they are."""


@example.command("eras")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--quiet", is_flag=True, help="No summary.")
def example_eras(as_json: bool, quiet: bool) -> None:
    """The programme `eras`: bill points of before 2011, until April 2021 and since live by three policies."""
    local_setup.ready()
    with database.begin() as session:
        made = not _is_there(session)
        if made:
            programme = programmes.create(session, CODE, NAMES, zone="Asia/Shanghai", currency="CNY")
            eras.add(session, programme.programme_id)
            rates.add(session, programme.programme_id, eras.FIRST_DAY, points=100, per_fen=100)
    if as_json:
        click.echo(json.dumps({"programme": CODE, "made": made}))
    elif not quiet:
        what = "was made" if made else "is there already"
        click.echo(f"The programme {CODE} {what}. Try files on it with --programme {CODE}.")


def _is_there(session: Session) -> bool:
    try:
        programmes.by_code(session, CODE)
    except ProgrammeUnknown:
        return False
    return True


verbs = (example,)
