"""To which machine a statement would go where tables are spread: read off its text, as the router of a cluster does.

A table of a statement is bound when its key is set equal to a value, or to the key of a table that is. What is written is bound
when the key is among its columns. Nothing is executed, so that this needs no cluster; what is not understood counts as unbound.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

_WORDS = frozenset(
    [
        "on",
        "where",
        "join",
        "left",
        "inner",
        "cross",
        "lateral",
        "set",
        "using",
        "group",
        "order",
        "limit",
        "for",
        "as",
        "values",
        "select",
        "returning",
        "natural",
        "full",
        "union",
        "do",
    ]
)
_TABLE = re.compile(r"\b(?:from|join|update|into)\s+(?:only\s+)?(\w+)(?:\s+(?:as\s+)?(\w+))?")
_INTO = re.compile(r"\binsert\s+into\s+(\w+)\s*\(([^)]*)\)")
_KEY = r"(?:\b(?P<name>\w+)\.|(?<![.\w]))KEY\b"
_IS = _KEY + r"\s*(?:=|in\b)\s*(?P<other>\(?\s*[^\s,)]+)"
_IS_OF = r"(?P<other>[^\s(,]+)\s*=\s*" + _KEY
_AMONG = r"\((?:[^()]*,)?\s*" + _KEY + r"[^()]*\)\s*(?:=|in)\s*(?P<other>\()"  # (member_id, seq) in (...)
ALL = "*"  # stands for a value


def named(statement: str) -> set[str]:
    """All tables that a statement reads or writes."""
    return {table for table, _ in _TABLE.findall(" ".join(statement.lower().split()))}


def changed(statement: str) -> set[str]:
    """The tables that it writes."""
    return set(re.findall(r"\b(?:insert into|update|delete from) (\w+)", " ".join(statement.lower().split())))


def unbound(statement: str, keys: Mapping[str, str]) -> set[str]:
    """The tables in a statement, of those that are spread by these keys, of which it does not say whose rows it means."""
    said = " ".join(statement.lower().split())
    seen = [
        (found.start(), alias if alias and alias not in _WORDS else table, table)
        for found in _TABLE.finditer(said)
        for table, alias in [found.groups()]
        if table in keys
    ]
    often = Counter(table for _, _, table in seen)
    written = {
        table
        for table, columns in _INTO.findall(said)
        if often[table] == 1 and keys.get(table) in re.split(r"[\s,]+", columns)
    }
    names = {name: keys[table] for _, name, table in seen}
    bound = _bound(said, names, [(at, name) for at, name, _ in seen])
    return {table for _, name, table in seen if name not in bound and table not in written}


def _bound(said: str, names: Mapping[str, str], seen: Sequence[tuple[int, str]]) -> set[str]:
    """The names whose key is a value in the end."""
    equal: dict[str, set[str]] = {name: set() for name in (*names, ALL)}
    for key in set(names.values()):
        for pattern in (_IS.replace("KEY", key), _IS_OF.replace("KEY", key), _AMONG.replace("KEY", key)):
            for found in re.finditer(pattern, said):
                # A key that stands alone is that of the table which was named last before it.
                name = found["name"] or next((one for at, one in reversed(seen) if at < found.start()), ALL)
                if names.get(name) == key:
                    equal[name].add(_of(found["other"].strip("( "), names))
        if re.search(rf"using\s*\([^)]*\b{key}\b", said):
            for name in names:
                equal[name] |= set(names)
    found_by = {ALL}
    while more := {
        name
        for name, others in equal.items()
        if name not in found_by and (others & found_by or any(name in equal[one] for one in found_by))
    }:
        found_by |= more
    return found_by


def _of(other: str, names: Mapping[str, str]) -> str:
    """What a key is set equal to: the key of another of the tables, or a value."""
    table, _, column = other.partition(".")
    return table if names.get(table) == column else ALL
