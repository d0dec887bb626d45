"""How alembic runs here: one connection of the owner role, with a lock time-out so that no migration blocks the house."""

from alembic import context
from sqlalchemy import create_engine, pool, text

LOCK_TIMEOUT = "1s"  # whoever waits for a lock makes all others wait behind; base/schema.py tries again


def online() -> None:
    engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "", poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"set lock_timeout = '{LOCK_TIMEOUT}'"))
        # Two migrations at once: the second waits for the first, then finds nothing to do.
        connection.execute(text("set statement_timeout = 0"))
        connection.commit()
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


def offline() -> None:
    context.configure(dialect_name="postgresql", literal_binds=True, transaction_per_migration=True)
    with context.begin_transaction():
        context.execute(f"set lock_timeout = '{LOCK_TIMEOUT}'")
        context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    online()
