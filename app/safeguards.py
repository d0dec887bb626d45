"""What PostgreSQL must promise before money stands on it: nothing committed is lost, and nobody here rewrites entries."""

from collections.abc import Iterator
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import walls
from base import clock, database, vault
from base.config import Config, ConfigError
from base.database import Base
from base.errors import Unavailable

log = structlog.get_logger()

MOST_DRIFT_S = 2.0
DURABLE = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
_RIGHTS = """
select r.rolsuper as superuser,
  exists (select from pg_class c where c.oid = to_regclass('posting') and pg_has_role(c.relowner, 'member')) as owner,
  has_any_column_privilege(to_regclass('posting'), 'update') as updates,
  has_table_privilege(to_regclass('posting'), 'delete') as deletes,
  has_table_privilege(to_regclass('posting'), 'truncate') as truncates,
  has_database_privilege(current_database(), 'create') or exists (
    select from pg_namespace n where n.nspname !~ '^pg_' and has_schema_privilege(n.oid, 'create')) as creates
from pg_roles r where r.rolname = current_user"""
_SAID = {
    "superuser": "it is a superuser",
    "owner": "it owns the postings, or may act as who does",
    "updates": "it may update postings",
    "deletes": "it may delete postings",
    "truncates": "it may empty the table of postings",
    "creates": "it may create tables or schemas",
}


class UnsafeDatabase(ConfigError):
    """This database may lose what was committed, lives in another time, or lets the application rewrite entries."""


class OtherSealKey(ConfigError):
    """The personal data in this database lie under another key than the one that is configured."""


@dataclass(frozen=True)
class Weakness:
    """Something that the database or the role does not promise, and how to mend it."""

    name: str
    text: str
    mend: str


def not_durable(session: Session) -> Iterator[Weakness]:
    """Settings under which a committed posting can be lost or spoiled unnoticed when the machine fails."""
    for name in DURABLE:
        if session.scalar(text(f"show {name}")) == "off":
            mend = "run: pg_checksums --enable (the server stopped)" if name == "data_checksums" else ""
            yield Weakness(
                name, f"{name} is off", mend or f"set {name} = on, and restart or reload PostgreSQL"
            )


def clocks_apart(session: Session) -> Iterator[Weakness]:
    """Our clock and the database's: what lapses, holds and locks out goes by one of them."""
    there = session.scalar(text("select clock_timestamp()"))
    apart = abs((clock.now() - there).total_seconds()) if there else 0.0
    if apart > MOST_DRIFT_S:
        yield Weakness(
            "clock", f"our clock is {apart:.1f} s apart from the database's", "set both clocks by NTP"
        )


def too_mighty(session: Session) -> Iterator[Weakness]:
    """What the role of this connection could do to entries, and must not be able to."""
    rights = session.execute(text(_RIGHTS)).mappings().one()
    said = [told for name, told in _SAID.items() if rights[name]]
    if rights["superuser"]:  # everything else follows
        said = said[:1]
    if said:
        yield Weakness(
            "role",
            "of the application's role: " + "; ".join(said),
            "let DATABASE_URL name a role with the rights that `jifen migrate` gives to jifen_app, and no more",
        )


def unwalled(session: Session) -> Iterator[Weakness]:
    """Where staff or a merchant's people would see rows of others if a query forgot to ask whose they are."""
    said = list(walls.fallen(session, walls.walled(Base.metadata)))
    if said:
        yield Weakness(
            "wall",
            "of the wall around scopes: " + "; ".join(said),
            "run `jifen migrate`, which tells what is missing; no other role than the owner may take security off a table",
        )


def same_key(config: Config) -> None:
    """OtherSealKey where this installation could open nobody's personal data. The process must be wired."""
    try:
        with database.begin() as session:
            opens = vault.opens(session, config.seal_key)
    except Unavailable:
        log.warning("seal_key_not_checked", why="the database does not answer")
        return
    if not opens:
        raise OtherSealKey(
            "the personal data in this database were sealed with another key: give JIFEN_SEAL_KEY (in development "
            f"{config.data_dir}/secrets) its value back, or throw local data away with `jifen reset`"
        )


def demand(config: Config) -> None:
    """UnsafeDatabase when production would stand on a database that is not safe. The process must be wired.

    A database that does not answer is no reason to end: requests are answered 503 until it does.
    """
    if not config.in_production:
        return
    try:
        with database.begin() as session:
            found = [*not_durable(session), *too_mighty(session), *unwalled(session), *clocks_apart(session)]
    except Unavailable:
        log.warning("safeguards_not_checked", why="the database does not answer")
        return
    if found:
        told = "\n  ".join(f"{weakness.text} -> {weakness.mend}" for weakness in found)
        raise UnsafeDatabase(f"Not in production on this database:\n  {told}")
