"""Every kind of posting has words of its own for its member."""

from admin.console import words
from app.member.points import reason
from base.web import i18n
from points.kinds import Kind, State


def test_every_kind_of_posting_has_its_words_in_both_languages(app):
    with app.test_request_context():
        with i18n.speaking("en"):
            english = {kind: str(reason(kind)) for kind in Kind}
        with i18n.speaking("zh-CN"):
            chinese = {kind: str(reason(kind)) for kind in Kind}

    assert all(english.values())
    assert all(chinese[kind] != english[kind] for kind in Kind)


def test_the_console_names_every_kind_and_state():
    assert {kind.name.lower() for kind in Kind} <= words.POSTING_KINDS.keys()
    assert {state.name.lower() for state in State} <= words.WALLET_STATES.keys()
