"""The demo's staff: their sign-ins, their passwords and what their authenticators show, all this installation's own."""

import base64
import hashlib
import hmac

from admin.staff import second_factor, staff
from base import clock, database
from base.config import Config

STAFF = "staff@demo.example"
STAFF_ROLES = ["support", "editor", "finance", "analyst"]
SUPPORT = "support@demo.example"  # has decided a dispute
CHECKER = "checker@demo.example"  # whoever proposes cannot approve
AUDITOR = "auditor@demo.example"  # who looked at whom, and why
ADMINISTRATOR = "admin@demo.example"  # proposes who may do what
GUARD = "security@demo.example"  # approves that
TWO_STEPS = (STAFF, CHECKER, ADMINISTRATOR, GUARD)


def staff_password(config: Config, email: str = STAFF) -> str:
    """A demo staff member's password: this installation's own, nowhere in the tree."""
    said = "demo staff" if email == STAFF else f"demo {email}"
    return hmac.new(config.secret_key.encode(), said.encode(), hashlib.sha256).hexdigest()[:16]


def staff_secret(config: Config, email: str) -> str:
    """The secret of a demo staff member's authenticator: this installation's own, nowhere in the tree."""
    digest = hmac.new(config.secret_key.encode(), f"demo authenticator {email}".encode(), hashlib.sha256)
    return base64.b32encode(digest.digest()[:20]).decode()


def staff_codes(config: Config) -> list[tuple[str, str]]:
    """What the authenticators of the demo's staff show now: mail address and code; of those who are there."""
    at = clock.now()
    with database.begin() as session:
        there = [email for email in TWO_STEPS if staff.is_there(session, email)]
    return [(email, second_factor.code_at(staff_secret(config, email), at)) for email in there]
