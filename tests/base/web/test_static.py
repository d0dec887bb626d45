import gzip
import re
from hashlib import sha256

import pytest

from base.web.blueprint import STATIC, static_url, version

OWN = [path for path in STATIC.iterdir() if path.is_file() and path.suffix != ".png"]
VENDORED = [path for path in (STATIC / "vendor").iterdir() if path.suffix != ".md"]


@pytest.fixture
def client(app):
    return app.test_client()


def address(app, name):
    with app.test_request_context("/"):
        return static_url(name)


def test_a_file_is_kept_for_a_year_under_an_address_that_names_its_content(app, client):
    answer = client.get(address(app, "jifen.css"))

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert f"v={version('jifen.css')}" in address(app, "jifen.css")


@pytest.mark.parametrize("query", ["", "?v=00000000"])
def test_a_file_asked_for_by_another_address_is_checked_each_time(client, query):
    assert client.get(f"/static/jifen.css{query}").headers["Cache-Control"] == "no-cache"


def test_text_files_travel_compressed_to_those_who_can_read_it(app, client):
    plain = client.get(address(app, "jifen.css"))
    packed = client.get(address(app, "jifen.css"), headers={"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data == (STATIC / "jifen.css").read_bytes()
    assert "Accept-Encoding" in plain.vary
    assert "Accept-Encoding" in packed.vary


def test_an_unchanged_file_is_not_sent_again(client):
    for encoding in ("identity", "gzip"):
        headers = {"Accept-Encoding": encoding}
        tag = client.get("/static/jifen.js", headers=headers).headers["ETag"]

        assert client.get("/static/jifen.js", headers={**headers, "If-None-Match": tag}).status_code == 304


@pytest.mark.attack("A16")
def test_nothing_outside_the_folder_is_served(client):
    assert client.get("/static/../blueprint.py").status_code == 404
    assert client.get("/static/%2e%2e/blueprint.py").status_code == 404


def test_vendored_files_are_those_that_the_list_names():
    listed = dict(
        re.findall(
            r"\| `([^`/]+)` \| [^|]+ \| `([0-9a-f]{64})` \|", (STATIC / "vendor/VENDORED.md").read_text()
        )
    )

    assert listed == {path.name: sha256(path.read_bytes()).hexdigest() for path in VENDORED}


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_our_own_files_name_no_other_origin(path):
    text = path.read_text("utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")

    assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]|@import", text, re.I)


@pytest.mark.parametrize("path", VENDORED, ids=lambda path: path.name)
def test_vendored_files_load_nothing(path):
    text = path.read_text("utf-8", "replace")

    assert "sourceMappingURL" not in text
    assert not re.search(r"@import|url\(\s*[\"']?(?!data:|#)[\w/.]+\.(?:css|woff2?|png|svg)", text)
