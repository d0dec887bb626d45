"""jifen: the command line. Exit 0: done; 1: finished with findings; 2: wrong use, or it cannot run."""

import sys

import click

from app import loading
from app.commands import (
    analytics,
    approvals,
    balances,
    bonus_rules,
    bonuses,
    books,
    demo_token,
    distribution,
    doctor,
    examples,
    expiry,
    extend,
    figures,
    groups,
    halts,
    imports,
    journal,
    lines,
    merchants,
    notify,
    payouts,
    proof,
    rates,
    replay,
    retention,
    segments,
    servers,
    staff,
    tiers,
    trace,
    vouchers,
    why,
)
from base import logs
from base.config import ConfigError
from base.errors import Problem
from base.local import CannotStart
from base.version import VERSION

CANNOT_RUN = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(VERSION)
def jifen() -> None:
    """Points that are worth something: a ledger, a catalogue, tills, settlement, honest figures."""


for group in (
    servers.verbs,
    books.verbs,
    journal.verbs,
    analytics.verbs,
    retention.verbs,
    expiry.verbs,
    extend.verbs,
    approvals.verbs,
    balances.verbs,
    proof.verbs,
    doctor.verbs,
    demo_token.verbs,
    distribution.verbs,
    why.verbs,
    trace.verbs,
    examples.verbs,
    staff.verbs,
    merchants.verbs,
    bonuses.verbs,
    bonus_rules.verbs,
    tiers.verbs,
    rates.verbs,
    replay.verbs,
    vouchers.verbs,
    payouts.verbs,
    halts.verbs,
    (imports.imports, groups.groups, lines.lines, notify.notify, segments.segments),
    figures.verbs,
):
    for verb in group:
        jifen.add_command(verb)


def main() -> None:
    """Run a command; an error is told with its cause and the next step, its traceback only with --debug."""
    loading.over()
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    logs.init(as_json=False, level=10 if debug else 30)
    try:
        code = jifen.main(arguments, prog_name="jifen", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped. The same command goes on where it stopped.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (Problem, ConfigError, CannotStart) as error:
        if debug:
            raise
        click.echo(f"{error}", err=True)
        if isinstance(error, Problem):
            click.echo(type(error).next_step("en"), err=True)
        sys.exit(CANNOT_RUN)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
