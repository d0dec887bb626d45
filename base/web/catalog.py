"""The catalogue of messages: finds every text that needs translating, adds new ones to the .po files.

Run `python -m base.web.catalog` after writing a page: new texts appear, to be filled in, in
`<package>.<topic>.po` under base/web/translations/. Name places (`app.member admin`) to touch only theirs.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.pofile import read_po, write_po

from base.web.i18n import FOLDER

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "admin", "catalog", "merchants", "points", "base")
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None, "lazy_pgettext": ((1, "c"), 2), "say": (2,)}
HEADER = r"""
msgid ""
msgstr ""
"Language: zh_Hans_CN\n"
"Plural-Forms: nplurals=1; plural=0;\n"
"Content-Type: text/plain; charset=utf-8\n"
""".lstrip()
CHINESE = FOLDER / "zh_Hans_CN" / "LC_MESSAGES"


class Text(NamedTuple):
    """One text in the sources; `id` is a pair (one, many) where the number matters."""

    id: str | tuple[str, str]
    context: str | None
    place: str
    file: str
    line: int


def texts(root: Path = ROOT) -> Iterator[Text]:
    """Every text marked for translation in templates and Python files, in a steady order."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            method = _method(path)
            if method is None:
                continue
            relative = path.relative_to(root)
            for line, found, _, context in extract_from_file(method, path, KEYWORDS):
                one = found if isinstance(found, str) else (found[0], found[1])
                yield Text(one, context, _place(relative), str(relative), line)


def update_catalog(
    places: list[str] | None = None, folder: Path = CHINESE, root: Path = ROOT
) -> dict[str, int]:
    """Add texts that no .po file has yet; returns how many per place. Overwrites nothing."""
    known = {
        key(message.id, message.context) for po in catalogs(folder).values() for message in po if message.id
    }
    new: dict[str, list[Text]] = defaultdict(list)
    for text in texts(root):
        wanted = not places or any(f"{text.place}.".startswith(f"{place}.") for place in places)
        if wanted and key(text.id, text.context) not in known:
            known.add(key(text.id, text.context))
            new[text.place].append(text)
    for place, missing in new.items():
        _append(folder / f"{place}.po", missing)
    return {place: len(missing) for place, missing in new.items()}


def catalogs(folder: Path = CHINESE) -> dict[Path, Catalog]:
    """All .po files of one language."""
    return {path: _read(path) for path in sorted(folder.glob("*.po"))}


def key(id: str | tuple[str, ...] | list[str], context: str | None) -> tuple[str, str | None]:
    """By what gettext finds a text: its singular and its context."""
    return (id if isinstance(id, str) else id[0]), context


def _method(path: Path) -> str | None:
    if path.suffix == ".py":
        return "python"
    if path.suffix in (".html", ".txt") and "templates" in path.parts:
        return "jinja2.ext:babel_extract"
    return None


def _place(relative: Path) -> str:
    # app/member/home.py and app/templates/member/home.html both belong to app.member.
    folders = [part for part in relative.parts[:-1] if part != "templates"]
    return ".".join(folders[:2])


def _read(path: Path) -> Catalog:
    with path.open("rb") as source:
        return read_po(source, locale="zh_Hans_CN")


def _append(path: Path, missing: list[Text]) -> None:
    new = Catalog(locale="zh_Hans_CN")
    for text in missing:
        new.add(text.id, "" if isinstance(text.id, str) else ("",), [(text.file, 0)], context=text.context)
    entries = BytesIO()
    write_po(entries, new, width=120, omit_header=True, include_lineno=False)
    before = path.read_bytes() if path.exists() else HEADER.encode()
    path.write_bytes(before.rstrip() + b"\n\n" + entries.getvalue().strip() + b"\n")


if __name__ == "__main__":
    for place, count in update_catalog(sys.argv[1:]).items():
        sys.stdout.write(f"{count:4} new texts to translate in {CHINESE.relative_to(ROOT) / place}.po\n")
