"""Every text of the product has a Chinese translation that fits it."""

import re

import pytest

from base.web.catalog import catalogs, key, texts, update_catalog

PLACEHOLDER = re.compile(r"%(?:%|\((\w+)\)[sd]|.|$)")


def translations():
    return {
        key(message.id, message.context): message
        for po in catalogs().values()
        for message in po
        if message.id
    }


def test_every_text_is_translated():
    known = translations()

    missing = []
    for text in texts():
        found = known.get(key(text.id, text.context))
        if found is None or found.fuzzy or not found.string or not all(found.string):
            missing.append(f"{text.file}:{text.line}: {text.id!r}")

    assert not missing, "run `python -m base.web.catalog` and fill in:\n" + "\n".join(missing)


def test_translations_use_the_placeholders_of_their_text():
    wrong = []
    for (text, _), message in translations().items():
        given = placeholders(text if isinstance(message.id, str) else message.id[1])
        used = placeholders(message.string if isinstance(message.string, str) else message.string[0])
        if used and used != given:
            wrong.append(f"{text!r}: {sorted(given)} against {sorted(used)}")

    assert not wrong, "\n".join(wrong)


def placeholders(text):
    return {match.group() for match in PLACEHOLDER.finditer(text)}


def test_no_text_is_translated_twice():
    seen, twice = set(), []
    for path, po in catalogs().items():
        for message in po:
            if message.id and key(message.id, message.context) in seen:
                twice.append(f"{path.name}: {message.id!r}")
            seen.add(key(message.id, message.context))

    assert not twice, "\n".join(twice)


@pytest.fixture
def project(tmp_path):
    pages = tmp_path / "app" / "member" / "templates" / "member"
    pages.mkdir(parents=True)
    (pages / "home.html").write_text(
        "{{ _('Hello %(name)s', name=x) }} {{ ngettext('%(num)s day', '%(num)s days', n) }}"
    )
    (tmp_path / "app" / "till").mkdir()
    (tmp_path / "app" / "till" / "scan.py").write_text(
        "gettext('Scan'); pgettext('till', 'Open'); say('en', 'Bye')"
    )
    (tmp_path / "po").mkdir()
    return tmp_path


def test_new_texts_go_to_the_file_of_their_topic(project):
    added = update_catalog(folder=project / "po", root=project)

    assert added == {"app.member": 2, "app.till": 3}
    till = (project / "po" / "app.till.po").read_text()
    assert 'msgctxt "till"\nmsgid "Open"\nmsgstr ""' in till
    assert "#: app/till/scan.py\n" in till


def test_adding_again_changes_nothing_and_keeps_what_was_filled_in(project):
    update_catalog(folder=project / "po", root=project)
    po = project / "po" / "app.till.po"
    po.write_text(po.read_text().replace('msgid "Scan"\nmsgstr ""', 'msgid "Scan"\nmsgstr "扫码"'))
    before = po.read_text()
    (project / "app" / "till" / "scan.py").write_text("gettext('Scan'); gettext('New')")

    added = update_catalog(folder=project / "po", root=project)

    assert added == {"app.till": 1}
    assert po.read_text().startswith(before.rstrip())


def test_only_the_named_place_is_touched(project):
    added = update_catalog(["app.member"], folder=project / "po", root=project)

    assert list(added) == ["app.member"]
    assert [path.name for path in (project / "po").iterdir()] == ["app.member.po"]
