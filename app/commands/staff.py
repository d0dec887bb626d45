"""jifen staff: add a person of the operator, with roles and an area."""

import sys

import click

from admin.staff import staff as people
from app import local_setup
from base import audit, database
from base.auth.permissions import STAFF_ROLES
from base.errors import Conflict

LEAST_PASSWORD = 12


class PersonThere(Conflict):
    """There is a person with that mail address already."""

    zh = "该邮箱对应的员工已存在。"


@click.group("staff")
def group() -> None:
    """People of the operator, who sign in to the console."""


@group.command("add")
@click.argument("email")
@click.option("--name", required=True, help="What the person is called.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(sorted(STAFF_ROLES)))
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
    if len(password) < LEAST_PASSWORD:
        raise click.UsageError(f"A password has at least {LEAST_PASSWORD} characters.")
    with database.begin() as session:
        if people.is_there(session, email):
            raise PersonThere()
        row = people.add(session, email, name, password, list(roles), area)
        audit.write(
            session, "operator", "staff.added", f"staff:{row.staff_id}", roles=row.roles, area=row.area
        )
    click.echo(f"{row.email}: {', '.join(row.roles)}{f', area {area}' if area else ''}")


verbs = (group,)
