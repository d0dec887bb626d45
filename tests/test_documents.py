"""The documents agree with each other and with the code; none speaks of a machine or leads nowhere."""

import ast
import re
import subprocess
from pathlib import Path

import click
import pytest

from app.cli import jifen  # with it every table is known
from base.database import Base
from base.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part in ("dist", "build") for part in path.relative_to(ROOT).parts)
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
OUTSIDE = re.compile(r"(?<![\w.])/(?:work|root|tmp/w|home/\w+)\b|(?<!\w)shared/")
ADDRESS = re.compile(r"https?://|index-url|find-links")
RIGHTS = {"select": "s", "insert": "i", "update": "u", "delete": "d"}


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path):
    broken = []
    for link in LINK.findall(without_code(path.read_text("utf-8"))):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = path.parent / target if target else path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text("utf-8"))):
            broken.append(link)

    assert not broken


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_names_a_place_outside_the_project(path):
    if path.is_relative_to(ROOT / "tests" / "data"):
        pytest.skip("says where public data come from")

    assert not OUTSIDE.findall(path.read_text("utf-8"))


def test_the_lock_names_versions_and_hashes_and_no_address():
    assert not ADDRESS.findall(read("requirements.lock"))


def test_the_readme_tells_every_variable_that_the_configuration_reads():
    calls = [node for node in ast.walk(ast.parse(read("base/config.py"))) if isinstance(node, ast.Call)]
    variables = {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }
    told = set(re.findall(r"`((?:JIFEN|DATABASE|REDIS)_[A-Z_]+)`", read("README.md")))

    assert len(variables) > 20
    assert told == variables


def test_the_readme_tells_every_command():
    def names(group: click.Group, before: str = "jifen") -> set[str]:
        found = set()
        for name, command in group.commands.items():
            inner = isinstance(command, click.Group)
            found |= names(command, f"{before} {name}") if inner else {f"{before} {name}"}
        return found

    table = read("README.md").split("## Commands")[1].split("\n## ")[0]
    told = set(re.findall(r"`(jifen [a-z][a-z-]*(?: [a-z][a-z-]*)?)", table))

    assert told == names(jifen)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_tour_is_a_script_that_a_shell_can_read(shell):
    (tour,) = re.findall(r"```sh\n(.*?)```", read("README.md"), re.DOTALL)

    done = subprocess.run([shell, "-n"], input=tour, text=True, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_map_names_every_table_with_its_key_and_rights():
    told = re.findall(r"^\| `(\w+)` \| `([\w, ]+)` \| ([^|]+) \|", read("docs/architecture.md"), re.MULTILINE)

    keys = {table: key for table, key, _ in told}
    rights = {table: right.strip() for table, _, right in told}
    assert len(told) == len(keys)
    assert keys == {t.name: ", ".join(c.name for c in t.primary_key) for t in Base.metadata.tables.values()}
    assert rights == {table: granted()[table] for table in rights}


def granted() -> dict[str, str]:
    """What the migrations grant to the application's role, as the map writes it."""
    found: dict[str, list[str]] = {}
    for file in sorted((ROOT / "migrations" / "versions").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("grant", "revoke")
            ):
                rights, *tables = [ast.literal_eval(argument) for argument in node.args]
                for table in tables:
                    if node.func.id == "revoke":
                        found[table] = [part.replace(_written(rights), "") for part in found[table]]
                    else:
                        found.setdefault(table, []).append(_written(rights))
    return {table: ", ".join(parts) for table, parts in found.items()}


def _written(rights: str) -> str:
    columns = re.fullmatch(r"update \(([\w, ]+)\)", rights)
    if columns:
        return "u of " + ", ".join(f"`{column}`" for column in columns[1].split(", "))
    return "".join(RIGHTS[right] for right in rights.split(", "))


def test_decisions_are_numbered_and_tell_why():
    files = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1))
    for file in files:
        text = file.read_text("utf-8")
        assert text.startswith(f"# {file.name[:4]} ")
        for part in ("**Context.**", "**Decision.**", "**Consequences.**", "**Rejected.**"):
            assert text.count(part) == 1, f"{file.name}: {part}"


def test_the_version_is_the_same_everywhere():
    assert f'version = "{VERSION}"' in read("pyproject.toml")
    assert re.search(rf"^## {re.escape(VERSION)}\b", read("CHANGELOG.md"), re.MULTILINE)


def test_the_licence_is_there_whole():
    text = read("LICENSE")

    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert 'license = "Apache-2.0"' in read("pyproject.toml")
