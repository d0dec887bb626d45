"""Row-level security of the walled roles: whose rows a person of the staff, or of a merchant, may see and change.

A walled table has a policy for each role that may see any of it; the application's own role sees all. What is compared
are plain columns. Where a table has none that says whose it is, a small parent is asked, behind the parent's own policy:
never on the tables of the ledger. The scope of a transaction is set by base/auth/wall.py; unset, nothing compares equal.
"""

from alembic import op

from migrations.rights import APP_ROLE, MERCHANT_ROLE, STAFF_ROLE

EVERYTHING = "true"
# As long as a scope is set, whichever.
ANYWHERE = "current_setting('jifen.area_until', true) <> ''"
# Of staff: bytewise between the code of the area and the end of all codes that begin with it.
_BETWEEN = (
    "{0} ~>=~ current_setting('jifen.area_from', true) and {0} ~<~ current_setting('jifen.area_until', true)"
)
SOME_MERCHANT = "current_setting('jifen.merchant', true) <> ''"
IN_AREA = _BETWEEN.format("area")
OWN = "merchant_id = nullif(current_setting('jifen.merchant', true), '')::bigint"


def of_member(table: str, column: str = "member_id") -> str:
    """Staff: the member that a column names belongs to the area, behind the wall of the facts themselves.

    Asked for a value, not for existence: so it is one look by key for each row that is read, where `exists` may be planned
    as a hash of all members of the area.
    """
    return f"(select true from member_facts f where f.member_id = {table}.{column})"


def of_merchant(table: str) -> str:
    """Staff: the merchant, or an outlet of it, is in the area."""
    there = (
        IN_AREA
        if table == "merchant"
        else f"exists (select from merchant m where m.merchant_id = {table}.merchant_id and {_BETWEEN.format('m.area')})"
    )
    return (
        f"({there}) or exists (select from outlet o "
        f"where o.merchant_id = {table}.merchant_id and {_BETWEEN.format('o.area')})"
    )


def beside(table: str, parent: str, key: str) -> str:
    """Either: the row of a parent with the same key is visible."""
    return f"exists (select from {parent} p where p.{key} = {table}.{key})"


def wall(
    table: str, *, staff: str | None = None, merchant: str | None = None, writes: str | None = None
) -> None:
    """Row-level security on a table: what staff and a merchant's people see of it and may write; None: nothing.

    `writes`: what staff may write, where that is less than they see.
    """
    rules = (
        ("application", APP_ROLE, EVERYTHING),
        ("staff", STAFF_ROLE, writes or staff),
        ("merchant", MERCHANT_ROLE, merchant),
    )
    said = [
        f"create policy {name} on {table} to {role} using ({rule}) with check ({rule})"
        for name, role, rule in rules
        if rule is not None
    ]
    if writes is not None:
        said.append(f"create policy staff_reads on {table} for select to {STAFF_ROLE} using ({staff})")
    said.append(f"alter table {table} enable row level security")
    op.execute(_UNLESS_DONE.format(table=table, said="; ".join(said)))


# All of a table at once or nothing of it, and nothing where it stands: a migration that met a lock is tried again.
_UNLESS_DONE = """
do $wall$ begin
  if not (select relrowsecurity from pg_class where oid = '{table}'::regclass) then {said}; end if;
end $wall$"""


def unwall(table: str) -> None:
    """Take the wall away again."""
    for name in ("application", "staff", "staff_reads", "merchant"):
        op.execute(f"drop policy if exists {name} on {table}")
    op.execute(f"alter table {table} disable row level security")
