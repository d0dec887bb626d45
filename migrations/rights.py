"""Rights of the application's role: what it may do with a table is said where the table is made."""

from alembic import op

APP_ROLE = "jifen_app"


def grant(rights: str, *tables: str) -> None:
    """For example grant("select, insert", "posting"): whatever is not granted is refused."""
    for table in tables:
        op.execute(f"grant {rights} on {table} to {APP_ROLE}")


def revoke(rights: str, *tables: str) -> None:
    """For example revoke("update", "offer"): takes back what an earlier migration granted."""
    for table in tables:
        op.execute(f"revoke {rights} on {table} from {APP_ROLE}")
