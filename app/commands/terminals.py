"""jifen terminals: let a till in with a six-digit code."""

import click
from sqlalchemy import select

from app import local_setup
from base import audit, clock, database, ids
from base.errors import NotFound
from merchants.terminals import pairing
from merchants.terminals.models import Terminal


class PairingTerminalUnknown(NotFound):
    """There is no terminal of that code, or it was revoked."""

    zh = "没有该代码的终端，或该终端已停用。"


@click.group("terminals")
def group() -> None:
    """Tills of merchants."""


@group.command("pair")
@click.argument("code")
def pair(code: str) -> None:
    """Six digits that pair the terminal of this code within ten minutes, once."""
    config = local_setup.ready()
    with database.begin() as session:
        terminal = session.scalar(
            select(Terminal).where(Terminal.code == code, Terminal.revoked_at.is_(None))
        )
        if terminal is None:
            raise PairingTerminalUnknown(terminal=code[:40])
        digits = pairing.open_for(session, config.secret_key, terminal, clock.now())
        audit.write(session, "operator", "terminal.pairing-code", ids.public("trm", terminal.terminal_id))
    click.echo(digits)


verbs = (group,)
