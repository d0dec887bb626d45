"""The cache is believed about nothing and waited for never."""

import socket
import threading
import time

import pytest

from base import cache


@pytest.fixture(autouse=True)
def put_back(config):
    yield
    cache.connect(config.redis_url)


def test_what_was_put_is_there_until_its_life_is_over(config):
    if config.redis_url is None:
        pytest.skip("no Valkey or Redis server on this machine")
    cache.connect(config.redis_url)

    cache.put("name", "值", 100)

    assert (cache.get("name"), cache.get("no such name"), cache.answers()) == ("值", None, True)


def test_without_a_redis_nothing_is_there_and_nothing_fails():
    cache.connect(None)

    cache.put("name", "x", 1)

    assert (cache.get("name"), cache.answers()) == (None, False)


def test_a_redis_that_is_gone_is_asked_once_and_then_left_alone(tmp_path, monkeypatch):
    cache.connect(f"unix://{tmp_path}/nothing.sock")
    asked = []
    monkeypatch.setattr(cache._client, "get", lambda name: asked.append(name) or _gone())

    assert [cache.get("name") for _ in range(5)] == [None] * 5
    cache.put("name", "x", 1)
    assert asked == ["name"]

    monkeypatch.setattr(cache, "_closed_until", 0.0)
    cache.get("name")
    assert asked == ["name", "name"]


def _gone() -> None:
    raise ConnectionResetError


def test_a_redis_that_says_nothing_is_not_waited_for(tmp_path):
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(str(tmp_path / "s"))
    silent.listen(8)
    cache.connect(f"unix://{tmp_path}/s")

    began = time.monotonic()
    found = [cache.get("name") for _ in range(20)]
    seconds = time.monotonic() - began
    silent.close()

    assert found == [None] * 20
    assert seconds < 1


def test_a_redis_that_talks_nonsense_changes_nothing(tmp_path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s"))
    server.listen(8)

    def babble() -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                peer.recv(1000)
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    threading.Thread(target=babble, daemon=True).start()
    cache.connect(f"unix://{tmp_path}/s")

    assert cache.get("name") is None
    cache.put("name", "x", 1)
    assert cache.answers() is False
    server.close()
