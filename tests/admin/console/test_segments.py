"""The console's segments: what they ask in words, how many they were, and a draft that counts and keeps nothing."""

import pytest

from admin.console.segments import pages
from base import clock, database, ids
from points.members import areas
from points.segments import refreshing, segments
from points.segments.models import SegmentRun
from points.segments.refreshing import LAST
from points.segments.rules import Conditions, Rule
from tests.admin.console.test_pages import browser
from tests.given import given_member, given_person, given_programme
from tests.points.segments.peopled import given_facts, today

pytestmark = pytest.mark.untold


@pytest.fixture
def people(db):
    programme = given_programme()
    made = [given_member(db, programme) for _ in range(3)]
    for one in made[:2]:
        given_facts(one, area="330106", risk=3)
    with database.begin() as session:
        areas.add(session, "3301", {"zh-CN": "杭州市", "en": "Hangzhou"})
    return made


def given_segment(**asked):
    names = {"zh-CN": "杭州客户", "en": "Of Hangzhou"}
    with database.begin() as session:
        shown = segments.create(
            session,
            given_person("editor"),
            "hangzhou",
            names,
            Rule(Conditions(**asked)),
            clock.now(),
            today(),
        )
    return segments.reference(shown.segment)


def refresh():
    with database.begin() as session:
        for work in refreshing.due(session, today()):
            refreshing.step(
                session, refreshing.begin(session, work, today(), clock.now()), work.version, LAST
            )


def read(app, path, language="en", role="analyst"):
    answer = browser(app, role, language=language).get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_the_list_shows_counts_and_the_day_of_the_last_refresh(app, people):
    given_segment(areas=("3301",))
    before = read(app, "/staff/segments")
    refresh()

    after = read(app, "/staff/segments")

    assert "Of Hangzhou" in before
    assert '<td class="jf-right">2</td>' not in before
    assert '<td class="jf-right">2</td>' in after
    assert f'datetime="{today()}"' in after


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            ("Area: Hangzhou", "Risk grade: 3 to 4 stars", "never take anything from anybody", "Of Hangzhou"),
        ),
        ("zh-CN", ("地区：杭州市", "离网风险等级：3 至 4 星", "不得据此减少任何人的权益", "杭州客户")),
    ],
)
def test_a_segment_tells_its_rule_in_words_and_what_risk_may_be_used_for(app, people, language, words):
    ref = given_segment(areas=("3301",), risk_at_least=3)
    refresh()

    shown = read(app, f"/staff/segments/{ref}", language)

    assert all(word in shown for word in words)
    assert ids.public("mbr", people[0]) in shown
    assert shown.count('fill="var(--jf-brand)"/>') == 1


def test_a_draft_counts_and_keeps_nothing(app, people):
    form = read(app, "/staff/segments/draft")
    shown = read(app, "/staff/segments/draft?areas=3301&risk_at_least=3&kinds=person&arpu_from=")

    assert "member now" not in form
    assert "2 members now" in shown
    assert ids.public("mbr", people[1]) in shown
    assert 'value="3301"' in shown
    with database.begin() as session:
        assert segments.listed(session, given_person("analyst"), today()) == []


@pytest.mark.parametrize(
    "query",
    [
        "arpu_from=5.5",
        "areas=Hangzhou",
        "arpu_from=100&arpu_below=50",
        "kinds=robot",
        "tenure_from_months=-1",
    ],
)
def test_what_cannot_be_a_rule_is_marked_and_stays_as_typed(app, people, query):
    shown = read(app, f"/staff/segments/draft?{query}")

    assert "Please correct" in shown
    assert "member now" not in shown


def test_yuan_become_fen_without_a_float():
    from werkzeug.datastructures import MultiDict

    said = pages._said(MultiDict({"arpu_from": "50", "arpu_below": "100", "areas": "3301， 3302"}))

    assert said == {"arpu_from_fen": 5_000, "arpu_below_fen": 10_000, "areas": ["3301", "3302"]}


def test_bars_stand_on_the_ground_and_the_highest_fills_the_frame():
    runs = [SegmentRun(came=came, stayed=stayed) for came, stayed in ((1, 4), (2, 8), (0, 0))]

    drawn = pages.bars(runs)

    assert [bar["height"] for bar in drawn] == [0, pages.HEIGHT, pages.HEIGHT // 2]
    assert all(bar["y"] + bar["height"] == pages.HEIGHT for bar in drawn)
    assert pages.bars([]) == []
