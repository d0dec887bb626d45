"""What is wrong with a field is said in Chinese on Chinese pages, whichever rule, schema or library says it."""

import ast
import inspect
import re
from pathlib import Path

import marshmallow as ma
import pytest

from base.http import reasons
from base.http.api import WholeNumber
from tests.given import staff_token

ROOT = Path(__file__).parents[3]
PACKAGES = ("base", "points", "merchants", "catalog", "admin")
STILL_ENGLISH = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")


def text_of(node):
    """A literal as a reader meets it, with a number for each thing that it names."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
    return None


def given_to(node):
    """The reasons that a piece of source gives to fields."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        holder = node.targets[0].value
        return [node.value] if isinstance(holder, ast.Name) and holder.id == "wrong" else []
    if not isinstance(node, ast.Call) or not node.args:
        return []
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    if name not in ("field_errors", "ValidationError"):
        return []
    first = node.args[0]
    return first.values if isinstance(first, ast.Dict) else [first]


def reasons_in_sources():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                yield from (text for one in given_to(node) if (text := text_of(one)))


def reasons_of_marshmallow():
    for _name, field in inspect.getmembers(ma.fields, inspect.isclass):
        yield from getattr(field, "default_error_messages", {}).values()
    yield from ma.Schema.error_messages.values()
    yield from ma.Schema._default_error_messages.values()
    yield from WholeNumber.default_error_messages.values()
    of_length, of_range = ma.validate.Length, ma.validate.Range
    yield from (of_length.message_min, of_length.message_max, of_length.message_all, of_length.message_equal)
    yield from (said(of_range(min=1, max=2), 3), said(of_range(min=1), 0), said(of_range(max=1), 3))
    yield from (said(of_range(min=1, min_inclusive=False), 0), said(of_range(max=1, max_inclusive=False), 3))
    yield from (ma.validate.OneOf.default_message, ma.validate.ContainsOnly.default_message)


def said(validator, value):
    """What a validator says of a value that it refuses."""
    with pytest.raises(ma.ValidationError) as refused:
        validator(value)
    return refused.value.messages[0]


def untranslated(found):
    filled = (re.sub(r"\{[^}]*\}", "7", text) for text in found)
    return sorted(
        {text for text in filled if STILL_ENGLISH.search(told := reasons.in_chinese(text)) or told == text}
    )


def test_every_reason_in_the_sources_has_its_chinese():
    found = list(reasons_in_sources())

    assert len(found) > 150
    assert untranslated(found) == []


def test_what_marshmallow_says_by_itself_has_its_chinese():
    said = [one for one in reasons_of_marshmallow() if isinstance(one, str)]

    assert len(said) > 30
    assert untranslated(one for one in said if one.isascii()) == []


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("must be from 1 to 100000", "须为 1 至 100000"),
        ("Length must be between 1 and 7.", "长度须在 1 与 7 之间"),
        ("must be from 0 to 10000 basis points", "须为 0 至 10000 个基点"),
        ("said nowhere", "said nowhere"),
    ],
)
def test_numbers_stay_and_what_is_unknown_stays_as_it_is(english, chinese):
    assert reasons.in_chinese(english) == chinese


def test_a_refused_form_speaks_the_language_of_its_page_and_the_api_its_own(app, db):
    client = app.test_client()
    client.set_cookie("jifen_staff", staff_token("editor"))

    def asked(language, path="/staff/notices/report?from=2026-13-01"):
        return client.get(path, headers={"Accept-Language": language}).text

    assert "起始日：须为日期：YYYY-MM-DD" in asked("zh-CN")
    assert "from: a day: YYYY-MM-DD" in asked("en")
