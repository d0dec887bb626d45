"""jifen db distribute: spread the tables over several machines, where Citus is there; else say what it would do."""

import json
from collections.abc import Sequence

import click
from sqlalchemy import create_engine, pool, text

from app import distribution, local_setup
from app.distribution import Place, Spread
from base import database
from base.progress import bar

FINDINGS = 1
CANNOT_RUN = 2


@click.group("db")
def db() -> None:
    """The database as a whole."""


@db.command()
@click.option("--dry-run", is_flag=True, help="Print what would be done, change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
@click.pass_context
def distribute(ctx: click.Context, dry_run: bool, as_json: bool, quiet: bool) -> None:
    """Spread the tables over the machines of a Citus cluster, as the owner's role; twice changes nothing.

    Exit 1: a table cannot be spread as it is. Exit 2: Citus is not installed; then it only prints what it would do.
    """
    config = local_setup.ready()
    spread = distribution.plan(database.Base.metadata)
    engine = create_engine(
        config.database_owner_url or config.database_url or "",
        isolation_level="AUTOCOMMIT",
        poolclass=pool.NullPool,
    )
    with engine.connect() as connection:
        wrong = list(distribution.obstacles(connection, spread))
        there = distribution.can_spread(connection)
        already = distribution.done(connection) if there else set()
        waiting = [one for one in spread if one.statement and one.table not in already]
        did: list[str] = []
        if there and not dry_run and not wrong:
            with bar(len(waiting), "spread", quiet=quiet) as shown:
                for one in waiting:
                    connection.execute(text(one.statement or ""))
                    did.append(one.table)
                    shown.advance()
    _tell(spread, already, did, wrong, there, as_json, quiet)
    ctx.exit(FINDINGS if wrong else 0 if there or dry_run else CANNOT_RUN)


def _tell(
    spread: Sequence[Spread],
    already: set[str],
    did: Sequence[str],
    wrong: Sequence[str],
    there: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    if as_json:
        tables = [
            {"table": one.table, "place": one.place.value, "key": one.key, "statement": one.statement,
             "spread": one.table in already or one.table in did}
            for one in spread
        ]  # fmt: skip
        click.echo(
            json.dumps({"citus": there, "tables": tables, "obstacles": list(wrong)}, ensure_ascii=False)
        )
        return
    if not (quiet or did):
        for one in spread:
            click.echo(_line(one, one.table in already))
    for obstacle in wrong:
        click.echo(obstacle, err=True)
    if not there:
        click.echo("Citus is not installed in this database: nothing was changed.", err=True)
    elif not quiet and did:
        click.echo(f"{len(did)} tables spread, {len(already)} were already.")


def _line(one: Spread, already: bool) -> str:
    if one.place is Place.LOCAL:
        return f"-- {one.table} stays on the first machine: {distribution.LOCAL[one.table]}"
    return f"{'-- already: ' if already else ''}{one.statement};"


verbs = (db,)
