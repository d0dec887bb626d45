"""The state file: what a restart keeps, in the same process and in one of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import stripe

from tests.conftest import ROOT
from tests.stripe_twin import keeping
from tests.stripe_twin.app import serving
from tests.stripe_twin.conftest import has, sent
from tests.stripe_twin.core import DAY_S
from tests.stripe_twin.twin import Twin


@contextmanager
def kept(file: Path, at: float = 1_780_315_200.0):
    """A twin with this state file, and the client that talks to it."""
    twin = Twin(lambda: at)
    keeping.keep(twin, file)
    with serving(twin) as url:
        yield twin, stripe.StripeClient("sk_test_twin", base_addresses={"api": url}, max_network_retries=0)


def begun(twin, client) -> str:
    twin.fund(10_000)
    made = client.v1.accounts.create(
        {"default_currency": "cny", "capabilities": {"transfers": {"requested": True}}}
    )
    return str(twin.onboard(made.id)["id"])


def test_a_restart_keeps_accounts_balances_transfers_keys_payouts_and_the_clock(tmp_path):
    file = tmp_path / "twin.jsonl"
    with kept(file) as (twin, client):
        shop = begun(twin, client)
        made = sent(client, shop, 1000, transfer_group="stmt:1")
        client.v1.transfers.reversals.create(made.id, {"amount": 300})
        twin.advance(DAY_S)
        sent(client, shop, 50, "k2")
        with pytest.raises(stripe.InvalidRequestError):
            sent(client, shop, 99_999, "k3")
        before = (has(client), has(client, shop), twin.now(), list(twin.all("balance_transaction", shop)))
    assert file.stat().st_mode & 0o077 == 0

    with kept(file) as (twin, client):
        after = (has(client), has(client, shop), twin.now(), list(twin.all("balance_transaction", shop)))
        assert after == before == (9250, 50, before[2], before[3])
        assert sent(client, shop, 50, "k2").last_response.headers["Idempotent-Replayed"] == "true"
        with pytest.raises(stripe.InvalidRequestError):
            sent(client, shop, 99_999, "k3")
        (found,) = client.v1.transfers.list({"transfer_group": "stmt:1"}).data
        assert (found.id, found.amount_reversed) == (made.id, 300)
        twin.advance(DAY_S)
        second, first = client.v1.payouts.list(options={"stripe_account": shop}).data
        assert ((first.amount, first.status), (second.amount, second.status)) == (
            (700, "paid"),
            (50, "in_transit"),
        )
        assert len(twin.all("transfer")) == 2


def test_what_nobody_took_is_sent_again_after_a_restart_and_only_that(tmp_path):
    file, told = tmp_path / "twin.jsonl", []
    with kept(file) as (twin, client):
        twin.create_endpoint(
            {"url": "http://shop.test/", "enabled_events": ["transfer.created"]}, "whsec_ours"
        )
        shop = begun(twin, client)
        sent(client, shop)
        twin.webhooks.post = lambda url, body, headers: 200
        assert twin.deliver() == [200]
        sent(client, shop, 20, "k2")

    with kept(file) as (twin, _):
        twin.webhooks.post = lambda url, body, headers: (
            told.append(
                stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_ours", 10**9)
            )
            or 200
        )
        assert twin.deliver() == [200]
    assert [each.data.object.amount for each in told] == [20]
    with kept(file) as (twin, _):
        assert twin.deliver() == []


def test_a_line_torn_by_a_crash_was_never_answered_and_is_left_out(tmp_path):
    file = tmp_path / "twin.jsonl"
    with kept(file) as (twin, client):
        shop = begun(twin, client)
    with file.open("a") as opened:
        opened.write('{"account": "", "thing": {"object": "transf')

    with kept(file) as (_, client):
        assert has(client) == 10_000
        assert sent(client, shop).amount == 1000
    assert all(json.loads(line) for line in file.read_text().splitlines())


def test_a_killed_process_comes_back_with_what_it_answered(tmp_path):
    file = tmp_path / "state" / "twin.jsonl"
    with process(tmp_path, file) as (running, client):
        account = client.v1.accounts.create({"capabilities": {"transfers": {"requested": True}}}).id
        client.raw_request("post", f"/twin/accounts/{account}/onboard")  # a switch, over the same client
        made = client.v1.transfers.create({"amount": 700, "currency": "cny", "destination": account})
        os.kill(running.pid, signal.SIGKILL)
        running.wait(10)

    with process(tmp_path, file) as (_, client):
        assert client.v1.transfers.retrieve(made.id).amount == 700
        assert (has(client), has(client, account)) == (999_300, 700)
        first, second = client.v1.webhook_endpoints.list().data
        assert first.url == second.url == "http://127.0.0.1:9/v1/stripe/events"


@contextmanager
def process(folder: Path, file: Path):
    """`python -m tests.stripe_twin`, until it answers; ended by its own process number."""
    secret, log = folder / "secret", folder / "log"
    secret.write_text("whsec_of_this_installation")
    command = [
        sys.executable, "-m", "tests.stripe_twin", "0", str(file), "--funds", "1000000",
        "--webhook", "http://127.0.0.1:9/v1/stripe/events", "--secret-file", str(secret),
    ]  # fmt: skip
    with log.open("w") as out:
        running = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
    try:
        limit = time.monotonic() + 30
        while "a twin, not Stripe; on " not in (said := log.read_text()):
            assert running.poll() is None, said
            assert time.monotonic() < limit, said
            time.sleep(0.05)
        url = said.split("a twin, not Stripe; on ")[1].split(",")[0]
        yield running, stripe.StripeClient("sk_test_twin", base_addresses={"api": url}, max_network_retries=0)
    finally:
        running.terminate()
        running.wait(10)
