"""Home says which tier the member has, until when, and what the next one takes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from base import clock, database
from points.members.models import Member
from tests.given import ZONE, given_earned, given_evaluated, given_ladder


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("silver", "holds until", "8,900 points more for gold", "3,100/12,000", "silver needs 3,000")),
        ("zh-CN", ("银卡", "保级至", "再获得 8,900 分可升至金卡", "3,100/12,000", "银卡需 3,000 分")),
    ],
)
def test_home_shows_tier_progress_and_reason(somebody, programme, language, said):
    given_ladder(programme)
    me = somebody(language=language)
    with database.begin() as session:
        member_id = session.scalar(select(Member.member_id))
    day = clock.day(clock.now(), ZONE) - timedelta(days=9)
    given_earned(member_id, 3_100, day)
    given_evaluated(programme, day)

    me.get("/")

    for text in said:
        assert text in me.page


def test_without_a_ladder_home_says_nothing_of_tiers(somebody, programme):
    me = somebody()

    me.get("/")

    assert "Your tier" not in me.page
