"""A clerk's sign-in at a till in its two transactions: wrong tries are counted even though they are refused."""

from base import clock, database
from base.auth import guesses, sign_ins
from merchants.terminals import clerks, shifts


def begin(terminal_id: int, number: str, pin: str) -> str:
    """The token of a right sign-in at the till that signed the request, its shift open; SignInRefused, TooManyGuesses."""
    at, scope = clock.now(), f"pin:{terminal_id}:{number[:40]}"
    with database.begin() as session:
        guesses.check(session, scope, clerks.PIN_LIMIT, at)
        found = clerks.matching(session, terminal_id, number, pin)
        if found is not None:
            terminal, clerk = found
            guesses.forget(session, scope)
            shifts.begin(session, terminal, clerk, at)
            return sign_ins.begin(session, "clerk", clerk.clerk_id, at, place_id=terminal_id)
        guesses.wrong(session, scope, at)
    raise clerks.SignInRefused()
