"""Libraries below which something known is open: pyproject says the floor, the lock and this environment keep to it."""

import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.conftest import ROOT

# Library -> the first version without what its words say.
FLOORS = {
    "flask": ("3.1.1", "sessions were signed with the oldest of the fallback keys"),
    "werkzeug": ("3.0.6", "a form of many parts used memory without a bound"),
    "jinja2": ("3.1.6", "the sandbox could be left by way of the attr filter"),
    "gunicorn": ("25", "requests were smuggled by their Transfer-Encoding (before 23)"),
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DIRECT = {one.name: one for one in map(Requirement, PROJECT["dependencies"])}
LOCKED = {
    name: Version(version)
    for name, version in re.findall(
        r"^([a-z0-9-]+)==([^\s;\\]+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE
    )
}


@pytest.mark.parametrize("name", FLOORS)
def test_a_floor_is_stated_and_neither_the_lock_nor_what_is_installed_is_below_it(name):
    floor, _ = FLOORS[name]

    assert f">={floor}" in str(DIRECT[name].specifier)
    assert not DIRECT[name].specifier.contains("0.1")
    assert LOCKED[name] >= Version(floor)
    assert Version(metadata.version(name)) >= Version(floor)


def test_every_direct_dependency_is_locked_within_its_bounds():
    outside = {
        name: str(LOCKED.get(name))
        for name, one in DIRECT.items()
        if name not in LOCKED or LOCKED[name] not in one.specifier
    }

    assert outside == {}
    assert Version("3.1.0") not in DIRECT["flask"].specifier  # the control: an older one is outside
