"""What a caller says of host, scheme and address: links are made of our own names, limits count where one really comes from."""

import re

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder

from app.web import create_app
from base.auth.guesses import of_source

OURS, EVIL = "points.example", "evil.example"
SPOOFED = [
    {"X-Forwarded-Host": EVIL},
    {"X-Forwarded-Host": f"{EVIL}, {OURS}"},
    {"X-Forwarded-Server": EVIL},
    {"X-Host": EVIL},
    {"X-Original-Host": EVIL},
    {"X-HTTP-Host-Override": EVIL},
    {"Forwarded": f"host={EVIL}"},
    {"Forwarded": f"for=1.2.3.4;host={EVIL};proto=https"},
    {"X-Original-URL": "/staff"},
    {"X-Rewrite-URL": "/staff"},
    {"X-Forwarded-Prefix": f"//{EVIL}"},
    {"X-Forwarded-Port": "31337"},
    {"X-Forwarded-Proto": f"https://{EVIL}"},
    {"X-Forwarded-Scheme": "javascript"},
    {"Origin": f"https://{EVIL}"},
    {"Referer": f"https://{EVIL}/"},
]
HOSTS = [
    EVIL, f"{EVIL}:443", f"{OURS}.{EVIL}", f"{EVIL}.{OURS}", f"not{OURS}", f"{OURS}@{EVIL}", f"{OURS}:80@{EVIL}", f"{EVIL}#{OURS}",
    f"{EVIL}/{OURS}", f"{OURS}, {EVIL}", "127.0.0.1", "[::1]", "localhost", "%65vil.example", "0",
]  # fmt: skip
SOURCES = [
    {"X-Forwarded-For": "203.0.113.66"},
    {"X-Forwarded-For": "203.0.113.66, 203.0.113.67"},
    {"X-Real-IP": "203.0.113.66"},
    {"X-Client-IP": "203.0.113.66"},
    {"True-Client-IP": "203.0.113.66"},
    {"CF-Connecting-IP": "203.0.113.66"},
    {"Forwarded": "for=203.0.113.66"},
]


@pytest.fixture
def named(app) -> Flask:
    """The application as production has it: it knows its names."""
    app.config["TRUSTED_HOSTS"] = [OURS, ".shop.example"]
    return app


@pytest.mark.attack("A18")
@pytest.mark.parametrize("headers", SPOOFED, ids=str)
def test_no_header_puts_another_host_into_a_link(named, headers):
    page = named.test_client().get("/docs", headers={"Host": OURS, **headers})

    assert page.status_code == 200
    assert EVIL not in page.text
    assert "31337" not in page.text
    assert set(re.findall(r"https?://[\w.:-]*points\.example[\w.:-]*", page.text)) == {f"http://{OURS}"}


@pytest.mark.attack("A18")
@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_is_none_of_ours_gets_no_page(named, host):
    for path in ("/docs", "/sign-in", "/v1/offers", "/static/jifen.css"):
        answer = named.test_client().get(path, headers={"Host": host})

        assert answer.status_code == 400
        assert host not in answer.text


@pytest.mark.attack("A18")
@pytest.mark.parametrize("host", [OURS, f"{OURS}:8443", "a.shop.example"])
def test_each_of_our_names_is_served(named, host):
    assert named.test_client().get("/docs", headers={"Host": host}).status_code == 200


def source(application: Flask, headers: dict[str, str], before: str) -> str:
    """Which address the application takes the caller to have, as limits and log see it."""
    seen = []
    plain = application.wsgi_app
    inner = getattr(plain, "app", plain)

    def looking(environ, start):
        seen.append(environ["REMOTE_ADDR"])
        return inner(environ, start)

    if inner is plain:
        looking(
            EnvironBuilder(
                "/health/live", headers=headers, environ_base={"REMOTE_ADDR": before}
            ).get_environ(),
            _start,
        )
    else:
        plain.app = looking
        application.test_client().get("/health/live", headers=headers, environ_base={"REMOTE_ADDR": before})
        plain.app = inner
    return seen[0]


def _start(status, headers, error=None):
    return lambda data: None


@pytest.mark.attack("A18")
@pytest.mark.parametrize("headers", SOURCES, ids=str)
def test_without_a_proxy_no_header_says_where_somebody_comes_from(app, headers):
    assert source(app, headers, "198.51.100.1") == "198.51.100.1"


@pytest.fixture(scope="module")
def behind(config) -> Flask:
    """The application behind one proxy."""
    return create_app(config.at(proxies=1))


@pytest.mark.attack("A18")
@pytest.mark.parametrize(
    ("said", "real"),
    [
        ("198.51.100.1", "198.51.100.1"),
        (
            "203.0.113.66, 198.51.100.1",
            "198.51.100.1",
        ),  # what the caller put there before the proxy added the real one
        ("127.0.0.1, 10.0.0.1, 198.51.100.1", "198.51.100.1"),
    ],
)
def test_behind_one_proxy_the_address_that_it_added_counts(behind, config, said, real):
    seen = source(behind, {"X-Forwarded-For": said, "X-Forwarded-Host": EVIL}, "10.0.0.5")

    assert seen == real
    assert of_source(config, "x", seen) != of_source(config, "x", "203.0.113.66")
    link = behind.test_client().get("/docs", headers={"X-Forwarded-Host": EVIL, "X-Forwarded-For": said})
    assert EVIL not in link.text
