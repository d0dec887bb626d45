"""jifen staff: add a person of the operator, with roles and an area."""

import sys

import click

from admin.staff import staff as people
from admin.staff import strength
from admin.staff.access import PersonThere
from app import local_setup
from base import audit, database
from base.auth.roles import ROLES


@click.group("staff")
def group() -> None:
    """People of the operator, who sign in to the console."""


@group.command("add")
@click.argument("email")
@click.option("--name", required=True, help="What the person is called.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(sorted(ROLES)))
@click.option("--area", default="", metavar="CODE", help="A province, city or county; left out: everywhere.")
def add(email: str, name: str, roles: tuple[str, ...], area: str) -> None:
    """Add a person; the password is asked for, or read from standard input."""
    local_setup.ready()
    asked = sys.stdin.isatty()
    password = (
        click.prompt("Password", hide_input=True, confirmation_prompt=True)
        if asked
        else sys.stdin.readline().rstrip("\r\n")
    )
    strength.check(password, name, email)
    with database.begin() as session:
        if people.is_there(session, email):
            raise PersonThere()
        row = people.add(session, email, name, password, list(roles), area)
        audit.write(
            session, "operator", "staff.added", f"staff:{row.staff_id}", roles=row.roles, area=row.area
        )
    click.echo(f"{row.email}: {', '.join(row.roles)}{f', area {area}' if area else ''}")


verbs = (group,)
