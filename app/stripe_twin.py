"""A twin of Stripe beside `jifen run`: where development has no Stripe account of its own, so that payments can be shown.

The twin itself lives with the tests (`tests/stripe_twin/`) and is a process of its own; nothing of it is imported here, and an
installed package has none. In production there is never one.
"""

import sys
from pathlib import Path

from base import calls
from base.config import STRIPE, Config, own_secret

KEY, SECRET = "sk_test_twin", "stripe_webhook_secret"
FUNDS_FEN = 1_000_000_000  # on the platform's balance at its first start
ROOT = Path(__file__).resolve().parent.parent


def is_needed(config: Config) -> bool:
    """Whether this is a checkout in development that names no Stripe account."""
    named = config.stripe_secret_key or config.stripe_api_base != STRIPE
    there = (ROOT / "tests" / "stripe_twin" / "__main__.py").exists()
    return there and not named and not config.in_production


def joined(config: Config, port: int) -> Config:
    """The configuration that talks to the twin at this port."""
    return config.at(
        stripe_secret_key=KEY,
        stripe_api_base=f"http://127.0.0.1:{port}",
        stripe_webhook_secret=own_secret(config.data_dir, SECRET),
        stripe_connect_secret=own_secret(config.data_dir, SECRET),
    )


def days_pass(config: Config, days: int) -> None:
    """Move the twin's clock on, so that what is on its way to merchants' banks arrives; nothing where Stripe is no twin's."""
    if config.stripe_secret_key == KEY:
        told = f'{{"advance_s": {days * 86_400}}}'.encode()
        calls.call(
            "POST", config.stripe_api_base, "/twin/clock", told, {"Content-Type": "application/json"}, config.stripe_timeout_s
        )  # fmt: skip


def port(config: Config) -> int:
    """Where the twin listens."""
    return int(config.stripe_api_base.rsplit(":", 1)[1])


def state(data_dir: Path) -> Path:
    """Where the twin keeps its accounts and balances."""
    return data_dir / "stripe-twin.jsonl"


def command(config: Config, product: str) -> list[str]:
    """The twin's command line; it tells the product at this address of its events."""
    return [
        sys.executable, "-m", "tests.stripe_twin", str(port(config)), str(state(config.data_dir)),
        "--funds", str(FUNDS_FEN), "--webhook", f"{product}/v1/stripe/events",
        "--connect-webhook", f"{product}/v1/stripe/connect-events",
        "--secret-file", str(config.data_dir / "secrets" / SECRET),
    ]  # fmt: skip
