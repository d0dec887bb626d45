"""What a request asks for is read from its first bytes, and whether all of it lies there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.http import heads

ASKED = b"GET /v1/offers?limit=20 HTTP/1.1\r\nHost: here\r\nAccept-Language: zh-CN,en;q=0.5\r\n\r\n"
ORDER = b'POST /v1/redemptions HTTP/1.1\r\nHost: here\r\nContent-Length: 12\r\n\r\n{"quote": 1}'


def test_a_question_has_its_path_without_the_query_its_readers_language_and_all_its_bytes():
    assert heads.read(ASKED) == heads.Head("/v1/offers", "zh", len(ASKED))


def test_what_is_sent_is_whole_once_its_body_is_there():
    assert heads.read(ORDER) == heads.Head("/v1/redemptions", "", len(ORDER))
    assert heads.read(ORDER[:-1]).whole == 0


def test_two_requests_in_one_breath_are_not_one_whole():
    assert heads.read(ASKED + ASKED).whole == 0
    assert heads.read(ORDER + ASKED).whole == 0


@pytest.mark.parametrize(
    "field",
    [
        b"Transfer-Encoding: chunked", b"Expect: 100-continue", b"Upgrade: h2c", b"connection: close",
        b"Content-Length: 0\r\nContent-Length: 5", b"Content-Length: -1", b"Content-Length: 1e1",
    ],
)  # fmt: skip
def test_what_needs_more_than_an_answer_is_not_whole(field):
    assert heads.read(b"GET /v1/offers HTTP/1.1\r\n" + field + b"\r\n\r\n").whole == 0


@pytest.mark.parametrize(
    "lying",
    [
        b"", ASKED[:-2], b"\r\n\r\n", b"HEAD / HTTP/1.1\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n",
        b"GET http://here/v1/offers HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /till%2Fcheck HTTP/1.1\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n", b"GET /\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_unusual_has_no_head_here(lying):
    assert heads.read(lying) is None


@given(st.binary(max_size=200) | st.binary(max_size=80).map(lambda more: ASKED[:-2] + more + b"\r\n\r\n"))
def test_no_bytes_break_it_and_whole_is_all_or_nothing(lying):
    head = heads.read(lying)

    assert head is None or head.whole in (0, len(lying))
