"""A treasury beside a twin of Stripe. It is a twin: passing against it is no test against Stripe."""

from collections.abc import Iterator

import pytest

from base.config import Config
from tests.engines import wire_again
from tests.merchants.payouts.paying import PLENTY_FEN, Treasury, treasury
from tests.stripe_twin import endpoints
from tests.stripe_twin.app import serving
from tests.stripe_twin.twin import Twin

SECRET = "whsec_" + "c" * 32


@pytest.fixture
def paying(db: Config) -> Iterator[Treasury]:
    twin = Twin()
    with serving(twin) as url:
        asked = {"url": "/v1/stripe/connect-events", "enabled_events": ["*"], "connect": True}
        endpoints.make(twin, asked, secret=SECRET)
        config = db.at(
            stripe_secret_key="sk_test_secret",
            stripe_api_base=url,
            stripe_connect_secret=SECRET,
            stripe_timeout_s=2,
        )
        wire_again(config)
        twin.fund(PLENTY_FEN)
        yield treasury(config, twin)
