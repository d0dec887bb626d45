"""Where and by whom something is done at a till: a clerk at a browser, or a cash-desk system that names one."""

from base import database
from base.auth.principals import Clerk, Terminal
from base.auth.signatures import TerminalRefused
from merchants.acceptances import Place
from merchants.terminals import clerks
from merchants.terminals.models import MANAGER, OWNER

Actor = Clerk | Terminal


def place_of(actor: Actor, clerk: str | None = None) -> Place:
    """Where and by whom; a cash-desk system names the clerk (ClerkNotAllowed), one for trying things out meets no member."""
    if isinstance(actor, Clerk):
        return Place(
            actor.merchant_id,
            actor.outlet_id,
            actor.terminal_id,
            actor.clerk_id,
            actor.shift_id,
            actor.is_manager,
        )
    if actor.is_sandbox:
        raise TerminalRefused("a terminal for trying things out meets no member and no voucher")
    with database.reading() as session:
        person = clerks.numbered(session, actor, clerk)
    is_manager = person.role in (MANAGER, OWNER)
    return Place(actor.merchant_id, actor.outlet_id, actor.terminal_id, person.clerk_id, None, is_manager)
