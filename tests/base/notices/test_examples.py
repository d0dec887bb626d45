"""Example values: every shipped text can be shown with them, and a person tries only so many an hour."""

import pytest

from base import clock, database
from base.notices import examples, notices, templates
from base.notices.templates import Version
from base.notices.texts import KINDS, LANGUAGES
from tests.given import given_person


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_shipped_text_is_filled_in_both_languages_and_leads_nowhere(code):
    version = Version(code, 1, KINDS[code].texts)

    shown = [examples.filled(version, language) for language in LANGUAGES]

    assert all(text and "{" not in text and "…" not in text for text in shown)


def test_the_eleventh_test_of_an_hour_is_refused_and_none_of_them_is_in_the_report(db):
    person, at = given_person("checker"), clock.now()

    with database.begin() as session:
        for _ in range(examples.MOST):
            examples.send(session, db, person, "tier-up", "13912345678", "en", at)
        with pytest.raises(examples.TooManyTests):
            examples.send(session, db, person, "tier-up", "13912345678", "en", at)
        with pytest.raises(templates.TemplateUnknown):
            examples.send(session, db, person, "no-such", "13912345678", "en", at)
        reported = notices.report(session, at - examples.WINDOW, at + examples.WINDOW)

    assert reported == {}
