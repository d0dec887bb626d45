"""The second factor of somebody on the staff, as their phone has it."""

from collections.abc import Sequence

import pyotp
from sqlalchemy import select

from admin.staff import second_factor
from admin.staff.models import StaffRow
from base import clock, database
from base.config import Config


def given_second_factor(config: Config, email: str) -> str:
    """A fresh authenticator for the person with this address; the code that it shows now."""
    secret = pyotp.random_base32()
    with database.begin() as session:
        row = session.scalars(select(StaffRow).where(StaffRow.email == email)).one()
        second_factor.enrol(session, config, row, secret, clock.now())
    return shown_by(secret)


def shown_by(secret: str, steps: int = 0) -> str:
    """The code that an authenticator shows now, or some steps later."""
    return pyotp.TOTP(secret).at(clock.now(), counter_offset=steps)


def typed(config: Config, words: Sequence[object], password: str = "a long password") -> str:
    """What the person named by --as types at a command: the password, and the code of whoever signs in in two steps."""
    said = [str(word) for word in words]
    email = said[said.index("--as") + 1] if "--as" in said else ""
    with database.begin() as session:
        row = session.scalar(select(StaffRow).where(StaffRow.email == email))
        steps = row is not None and second_factor.is_needed(row)
    return f"{password}\n{given_second_factor(config, email)}\n" if steps else f"{password}\n"
