"""A treasury beside a twin of Stripe. It is a twin: passing against it is no test against Stripe."""

from collections.abc import Iterator

import pytest

from base.config import Config
from tests.merchants.payouts.paying import Treasury, beside_stripe


@pytest.fixture
def paying(db: Config) -> Iterator[Treasury]:
    with beside_stripe(db) as made:
        yield made
