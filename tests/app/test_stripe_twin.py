"""When `jifen run` puts a twin of Stripe beside the product, and that production never does."""

from dataclasses import replace

import pytest

from app import stripe_twin
from base.config import PRODUCTION, STRIPE, Config


@pytest.fixture
def development(config: Config, tmp_path) -> Config:
    """A development machine that names no Stripe account."""
    plain = {"stripe_secret_key": "", "stripe_api_base": STRIPE, "stripe_webhook_secret": ""}
    return replace(config, environment="development", data_dir=tmp_path, **plain)


def test_a_checkout_in_development_gets_a_twin_with_a_secret_of_its_own(development):
    assert stripe_twin.is_needed(development)
    joined, again = (stripe_twin.joined(development, 8093) for _ in range(2))

    assert (joined.stripe_api_base, joined.stripe_secret_key) == ("http://127.0.0.1:8093", "sk_test_twin")
    assert len(joined.stripe_webhook_secret) == 64
    assert again.stripe_webhook_secret == joined.stripe_webhook_secret
    command = stripe_twin.command(joined, "http://127.0.0.1:8080")
    assert command[3:5] == ["8093", str(stripe_twin.state(development.data_dir))]
    assert "http://127.0.0.1:8080/v1/stripe/events" in command
    assert "http://127.0.0.1:8080/v1/stripe/connect-events" in command
    assert joined.stripe_connect_secret == joined.stripe_webhook_secret
    assert joined.stripe_webhook_secret not in " ".join(command)


@pytest.mark.parametrize(
    "named",
    [
        {"environment": PRODUCTION},
        {"stripe_secret_key": "sk_test_ours"},
        {"stripe_api_base": "http://127.0.0.1:12111"},
    ],
)
def test_production_and_whoever_names_an_account_or_an_address_get_none(development, named):
    assert not stripe_twin.is_needed(replace(development, **named))


def test_an_installed_package_has_none(development, tmp_path, monkeypatch):
    monkeypatch.setattr(stripe_twin, "ROOT", tmp_path)

    assert not stripe_twin.is_needed(development)
