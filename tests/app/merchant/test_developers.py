"""The developer's pages: keys and secrets shown once, forms that are one deed, samples that run as they stand, nothing of others."""

import html
import json
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import urljoin

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from app.merchant import developers
from base import clock, database, ids, jobs
from merchants.terminals import keys
from tests.base.webhooks.receivers import receiving
from tests.given import Shop, given_shop
from tests.merchants.desks.test_desks import asks, signer
from tests.persons import person_token

HERE = "/merchant/developers"


class Browser:
    """Somebody's browser on these pages: fills in the forms' hidden fields by itself."""

    def __init__(self, app, token, language="en"):
        self.client = app.test_client()
        self.client.set_cookie("jifen_merchant", token)
        self.headers = {"Accept-Language": language}

    def get(self, path):
        return self.client.get(path, headers=self.headers)

    def post(self, path, **fields):
        return self.client.post(path, data=fields, headers=self.headers)


@pytest.fixture
def shop(db) -> Shop:
    return given_shop()


@pytest.fixture
def owner(app, shop) -> Browser:
    app.config["WTF_CSRF_ENABLED"] = False  # its own tests are elsewhere
    return Browser(app, person_token(shop))


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


def added(owner: Browser, shop: Shop, name="desk-1", key="k1"):
    outlet = ids.public("out", shop.outlet.outlet_id)
    return owner.post(f"{HERE}/desks", key=key, kind="pos", outlet=outlet, name=name)


def desk_in(page) -> str:
    return re.search(r"trm_[0-9A-Z]{13}", page.get_data(as_text=True))[0]


def block(page, name: str) -> str:
    """The text of a <pre> by its id."""
    return html.unescape(
        re.search(rf'<pre[^>]*id="{name}"[^>]*>(.*?)</pre>', page.get_data(as_text=True), re.DOTALL)[1]
    )


def test_a_key_made_here_is_on_one_page_and_the_form_sent_twice_is_one_desk(owner, shop):
    first = added(owner, shop)
    again = added(owner, shop)
    later = owner.get(f"{HERE}/desks/{desk_in(first)}")

    assert block(first, "private-key").startswith("-----BEGIN PRIVATE KEY-----")
    assert first.headers["Cache-Control"] == "no-store"
    assert (again.status_code, desk_in(first) in again.headers["Location"]) == (303, True)
    assert "PRIVATE KEY" not in later.get_data(as_text=True)
    assert owner.get(HERE).get_data(as_text=True).count("tea-desk-1") == 1


def test_many_desks_are_shown_page_by_page(owner, shop, monkeypatch):
    monkeypatch.setattr(developers, "PER_PAGE", 2)
    for number in range(3):
        added(owner, shop, name=f"desk-{number}", key=f"k{number}")

    first = owner.get(HERE).get_data(as_text=True)
    following = html.unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    second = owner.get(urljoin(HERE, following)).get_data(as_text=True)

    assert re.findall(r"<b>tea-(desk-\d)</b>", first) == ["desk-2", "desk-1"]
    assert re.findall(r"<b>tea-(desk-\d)</b>", second) == ["desk-0"]


def test_what_is_wrong_is_said_above_the_form_which_keeps_what_was_typed(owner, shop):
    answer = added(owner, shop, name="Desk 1")

    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "name: 1 to 30 of a-z" in text
    assert 'value="Desk 1"' in text


def test_keys_are_rolled_ended_and_the_desk_revoked(owner, shop):
    desk = desk_in(added(owner, shop))
    rolled = owner.post(f"{HERE}/desks/{desk}/keys", key="k2")
    old = re.search(rf"/desks/{desk}/keys/(key_\w+)/end", rolled.get_data(as_text=True))[1]
    ended = owner.post(f"{HERE}/desks/{desk}/keys/{old}/end")
    at_once = owner.post(f"{HERE}/desks/{desk}/keys", key="k3", at_once="1")
    revoked = owner.post(f"{HERE}/desks/{desk}/revoke")
    page = owner.get(f"{HERE}/desks/{desk}").get_data(as_text=True)

    assert "PRIVATE KEY" in rolled.get_data(as_text=True)
    assert (ended.status_code, revoked.status_code) == (303, 303)
    assert "/end" not in at_once.get_data(as_text=True)
    assert "Revoked" in page
    assert "Roll the key" not in page
    assert owner.post(f"{HERE}/desks/{desk}/keys", key="k4").status_code == 409


def test_a_frozen_desk_says_so_and_refused_tries_are_listed(owner, shop, app):
    first = added(owner, shop)
    by = signer(SimpleNamespace(json={"id": desk_in(first), "private_key": block(first, "private-key")}))
    assert asks(app, by) == "/problems/voucher-unknown"
    keys.cloned(by.terminal_id, clock.now())

    page = owner.get(f"{HERE}/desks/{desk_in(first)}").get_data(as_text=True)

    assert "Two systems seem to hold its key" in page
    assert "/problems/voucher-unknown" in page
    assert re.search(
        r"<code[^>]*>req_[0-9a-f]{16}</code></td></tr>", page
    )  # the number that support finds it by


@contextmanager
def serving(app):
    class Silent(WSGIRequestHandler):
        def log(self, type, message, *args):
            pass

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    server.server_close()


def test_the_samples_run_as_they_stand_on_the_page_of_the_sandbox(app, owner, shop, tmp_path):
    made = owner.post(f"{HERE}/desks", key="k1", kind="sandbox")
    page = owner.get(f"{HERE}/desks/{desk_in(made)}")
    (tmp_path / "till.pem").write_text(block(made, "private-key"))
    download = owner.get(f"{HERE}/samples/till.py?desk={desk_in(made)}")
    bare = {k: v for k, v in os.environ.items() if k not in ("BASE", "TERMINAL", "KEY_FILE", "CLERK")}
    code = re.search(r"python3 till.py check (\S+)", page.get_data(as_text=True))[1]

    with serving(app) as base:
        for name, program in (("till.py", sys.executable), ("till.sh", "sh")):
            text = block(page, name.replace(".", "-")).replace("http://localhost", base)
            (tmp_path / name).write_text(text)
            done = subprocess.run(
                [program, name, "check", code],
                cwd=tmp_path, env=bare | {"NO_PROXY": "*"}, capture_output=True, text=True, timeout=30, check=False,
            )  # fmt: skip
            assert json.loads(done.stdout)["sandbox"] is True, done.stderr

    assert desk_in(made) in download.get_data(as_text=True)
    assert download.headers["Content-Disposition"] == "attachment; filename=till.py"
    assert owner.get(f"{HERE}/samples/passwords.txt").status_code == 404
    assert "TEST-0010-0000J" in page.get_data(as_text=True)


def test_a_receiver_from_its_secret_over_a_test_event_to_sending_again(app, db, owner, receiver):
    fields = {"url": receiver.url, "types": ["jifen.voucher.accepted"], "key": "k1"}
    made = owner.post(f"{HERE}/webhooks", **fields)
    again = owner.post(f"{HERE}/webhooks", **fields)
    endpoint = re.search(r"whe_\w+", made.get_data(as_text=True))[0]
    place = f"{HERE}/webhooks/{endpoint}"
    secret = block(made, "secret")

    owner.post(f"{place}/test", key="k2")
    jobs.drain(db.database_url)
    delivery = re.search(r"/deliveries/(dlv_\w+)", owner.get(place).get_data(as_text=True))[1]
    shown = owner.get(f"{HERE}/deliveries/{delivery}").get_data(as_text=True)
    resent = owner.post(f"{HERE}/deliveries/{delivery}/resend", key="k3")
    jobs.drain(db.database_url)
    rolled = owner.post(f"{place}/rotate", key="k4")

    assert secret.startswith("whsec_")
    assert again.status_code == 303
    assert "whsec_" not in owner.get(place).get_data(as_text=True)
    assert [got.event["type"] for got in receiver.got] == ["jifen.ping"] * 2
    assert all(got.signed_with(secret) for got in receiver.got)
    assert "204" in shown
    assert resent.status_code == 303
    assert block(rolled, "secret") != secret
    for deed, word in (("pause", "Paused"), ("resume", "Live"), ("end", "Removed")):
        assert owner.post(f"{place}/{deed}", key=deed).status_code == 303
        assert word in owner.get(place).get_data(as_text=True)
    assert owner.post(f"{place}/explode", key="k9").status_code == 404


def test_a_receiver_that_cannot_be_one_is_refused_above_the_form(owner):
    inside = owner.post(f"{HERE}/webhooks", key="k1", url="https://10.0.0.8/hook", types=["*"])
    nothing = owner.post(f"{HERE}/webhooks", key="k2", url="https://10.0.0.8/hook")

    assert (inside.status_code, nothing.status_code) == (422, 422)
    assert "not public" in inside.get_data(as_text=True)
    assert "choose at least one event" in nothing.get_data(as_text=True)


def test_another_merchants_people_finance_and_nobody_see_none_of_it(app, db, owner, shop, receiver):
    desk = desk_in(added(owner, shop))
    made = owner.post(f"{HERE}/webhooks", key="k5", url=receiver.url, types=["*"])
    endpoint = re.search(r"whe_\w+", made.get_data(as_text=True))[0]
    owner.post(f"{HERE}/webhooks/{endpoint}/test", key="k6")
    delivery = re.search(r"dlv_\w+", owner.get(f"{HERE}/webhooks/{endpoint}").get_data(as_text=True))[0]
    stranger = Browser(app, person_token(given_shop("rice")))
    places = [
        f"desks/{desk}",
        f"samples/till.py?desk={desk}",
        f"webhooks/{endpoint}",
        f"deliveries/{delivery}",
    ]
    posts = [
        f"desks/{desk}/keys",
        f"desks/{desk}/revoke",
        f"webhooks/{endpoint}/rotate",
        f"deliveries/{delivery}/resend",
    ]

    assert {stranger.get(f"{HERE}/{place}").status_code for place in places} == {404}
    assert {stranger.post(f"{HERE}/{place}", key="k").status_code for place in posts} == {404}
    for path in ("", "/webhooks"):
        text = stranger.get(f"{HERE}{path}").get_data(as_text=True)
        assert "tea-desk" not in text
        assert receiver.url not in text
    finance = Browser(app, person_token(shop, "finance"))
    assert [finance.get(f"{HERE}/{place}").status_code for place in places] == [403] * 4
    assert Browser(app, "none").get(HERE).headers["Location"].endswith("/merchant/sign-in")
    with database.begin() as session:
        assert session.get_one(keys.Terminal, ids.parse("trm", desk, parts=1)[0]).revoked_at is None
