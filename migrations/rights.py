"""Rights of the application's role: what it may do with a table is said where the table is made.

The walled roles have the same rights; which rows these are about is said in migrations/walls.py.
"""

from alembic import op

APP_ROLE = "jifen_app"
STAFF_ROLE, MERCHANT_ROLE = "jifen_staff", "jifen_merchant"
ROLES = f"{APP_ROLE}, {STAFF_ROLE}, {MERCHANT_ROLE}"


def grant(rights: str, *tables: str) -> None:
    """For example grant("select, insert", "posting"): whatever is not granted is refused."""
    for table in tables:
        op.execute(f"grant {rights} on {table} to {ROLES}")


def revoke(rights: str, *tables: str) -> None:
    """For example revoke("update", "offer"): takes back what an earlier migration granted."""
    for table in tables:
        op.execute(f"revoke {rights} on {table} from {ROLES}")
