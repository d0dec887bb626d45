"""Every screen that was promised is walked by a journey, in both languages."""

import importlib
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from base.web.i18n import LOCALES
from tests.journeys.conftest import Opened, not_walked
from tests.journeys.screens import SCREENS


def journeys() -> Iterator[Callable[..., None]]:
    """Every test of this folder."""
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.journeys.{file.stem}")
        yield from (
            one for name, one in inspect.getmembers(module, inspect.isfunction) if name.startswith("test_")
        )


def marks_of(test: Callable[..., None], name: str) -> list[Any]:
    return [mark for mark in getattr(test, "pytestmark", []) if mark.name == name]


def languages_of(test: Callable[..., None]) -> set[str]:
    """In which languages a test of the normal run walks: the values of its parameter `language`; English where it has none.

    What only `make long` runs does not count.
    """
    if marks_of(test, "torture"):
        return set()
    for mark in marks_of(test, "parametrize"):
        names, values = mark.args
        names = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
        if "language" in names:
            every = [value if hasattr(value, "marks") else pytest.param(*_each(value)) for value in values]
            now = [one for one in every if all(mark.name != "torture" for mark in one.marks)]
            return {one.values[names.index("language")] for one in now}
    return {"en"}


def _each(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


@pytest.fixture(scope="module")
def walked() -> dict[str, set[str]]:
    """Screen -> languages in which a journey walks it."""
    found: dict[str, set[str]] = defaultdict(set)
    for test in journeys():
        for mark in marks_of(test, "screens"):
            for screen in mark.args:
                found[screen] |= languages_of(test)
    return found


@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_has_a_journey_in_both_languages(walked, screen):
    assert walked[screen] >= set(LOCALES), f"no journey walks {screen} in all of {sorted(LOCALES)}"


def test_journeys_name_screens_that_are_in_the_table(walked):
    assert set(walked) <= set(SCREENS)


def test_what_only_torture_runs_is_no_language_of_a_journey():
    later = pytest.param("zh-CN", marks=pytest.mark.torture)

    @pytest.mark.parametrize("language", ["en", later])
    def one(language): ...

    @pytest.mark.parametrize(("language", "scheme"), [("en", "dark"), ("zh-CN", "light")])
    def both(language, scheme): ...

    @pytest.mark.torture
    @pytest.mark.parametrize("language", ["en", "zh-CN"])
    def none(language): ...

    assert (languages_of(one), languages_of(both), languages_of(none)) == ({"en"}, {"en", "zh-CN"}, set())


def test_a_screen_is_something_of_the_url_map(built):
    known = set(built.view_functions)

    assert {screen: set(ends) - known for screen, ends in SCREENS.items() if set(ends) - known} == {}


def test_a_journey_that_does_not_come_to_its_screen_is_told_so(built):
    test = SimpleNamespace(iter_markers=lambda name: [pytest.mark.screens("member: home", "till: void").mark])
    opened = Opened(None, "", Path(), asked={("GET", "/"), ("GET", "/till/void"), ("POST", "/nowhere")})

    assert not_walked(built, opened, test) == ["this journey did not open till: void"]
