"""A clerk's sign-in in its two transactions: wrong tries are counted even though they are refused."""

from base import clock, database
from base.auth import guesses, sign_ins
from merchants.terminals import clerks


def begin(terminal_code: str, number: str, pin: str) -> str:
    """The token of a right sign-in; SignInRefused, TooManyGuesses."""
    at, scope = clock.now(), f"pin:{terminal_code[:40]}:{number[:40]}"
    with database.begin() as session:
        guesses.check(session, scope, clerks.PIN_LIMIT, at)
        found = clerks.matching(session, terminal_code, number, pin)
        if found is not None:
            guesses.forget(session, scope)
            return sign_ins.begin(session, "clerk", found.clerk_id, at, place_id=found.terminal_id)
        guesses.wrong(session, scope, at)
    raise clerks.SignInRefused()
