"""The configuration: everything that is wrong is said at once, and nothing secret is guessed in production."""

import os
import stat
from pathlib import Path

import pytest

from base.config import Config, ConfigError

SECRET = "s" * 32
PRODUCTION = {
    "JIFEN_ENV": "production",
    "DATABASE_URL": "postgresql+psycopg://app@db/jifen",
    "JIFEN_SECRET_KEY": SECRET,
    "JIFEN_VOUCHER_PEPPER": "p" * 32,
    "JIFEN_SEAL_KEY": "k" * 32,
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Sets exactly these variables of ours and reads the configuration."""

    def read(**values: str) -> Config:
        for name in list(os.environ):
            if name.startswith("JIFEN_") or name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("JIFEN_DATA", str(tmp_path / "data"))
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        return Config.from_env()

    return read


def test_without_any_variable_a_development_machine_works(environment):
    made = environment()

    assert made.environment == "development"
    assert (made.database_url, made.redis_url) == (None, None)
    assert len({made.secret_key, made.seal_key, *made.voucher_peppers.values()}) == 3


def test_a_development_machine_keeps_its_secrets_for_its_owner_alone(environment, tmp_path):
    first, second = environment(), environment()
    files = list((tmp_path / "data" / "secrets").iterdir())

    assert first == second
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "data" / "secrets").stat().st_mode) == 0o700


def test_everything_that_is_wrong_is_said_at_once(environment):
    wrong = {
        "JIFEN_ENV": "staging", "JIFEN_SECRET_KEY": "short", "JIFEN_PORT": "http", "JIFEN_WEB_THREADS": "0",
        "JIFEN_LANGUAGE": "fr", "JIFEN_BILLING_TIMEOUT": "-1", "JIFEN_QUOTE_LIFE": "1.5", "JIFEN_CHECK_HOLD": "",
    }  # fmt: skip

    with pytest.raises(ConfigError) as error:
        environment(**wrong)

    assert [name for name in wrong if name not in str(error.value)] == []
    assert "short" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "fits"), [("", True), ("https://sms.example/v1", True), ("sms.example", False)]
)
def test_a_gateway_of_messages_is_an_address_or_none(environment, url, fits):
    if fits:
        assert environment(JIFEN_SMS_URL=url).sms_url == url
        return
    with pytest.raises(ConfigError, match="JIFEN_SMS_URL"):
        environment(JIFEN_SMS_URL=url)


def test_the_gateways_key_is_not_shown(environment):
    assert "a secret key" not in repr(environment(JIFEN_SMS_KEY="a secret key"))


@pytest.mark.parametrize("missing", sorted(set(PRODUCTION) - {"JIFEN_ENV"}))
def test_production_says_what_it_lacks(environment, missing):
    given = {name: value for name, value in PRODUCTION.items() if name != missing}

    with pytest.raises(ConfigError, match=missing):
        environment(**given)


def test_production_says_all_that_it_lacks_at_once_and_makes_up_nothing(environment, tmp_path):
    with pytest.raises(ConfigError) as error:
        environment(JIFEN_ENV="production")

    assert all(name in str(error.value) for name in PRODUCTION if name != "JIFEN_ENV")
    assert not (tmp_path / "data" / "secrets").exists()


@pytest.mark.parametrize("address", ["http://127.0.0.1:8093", "https://api.stripe.com.example"])
def test_production_talks_to_stripe_itself_or_says_that_it_does_not_start(environment, address):
    with pytest.raises(
        ConfigError, match=r"JIFEN_STRIPE_API_BASE: is https://api\.stripe\.com in production"
    ):
        environment(**PRODUCTION, JIFEN_STRIPE_API_BASE=address)

    assert environment(**PRODUCTION, JIFEN_STRIPE_API_BASE="https://api.stripe.com/").in_production
    assert environment(JIFEN_STRIPE_API_BASE=address).stripe_api_base == address


def test_production_with_all_of_it_is_usable(environment):
    made = environment(**PRODUCTION)

    assert (made.in_production, made.secret_key, made.voucher_peppers) == (True, SECRET, {1: "p" * 32})


def test_an_older_pepper_stays_known_beside_the_new_one(environment):
    made = environment(
        **PRODUCTION,
        JIFEN_VOUCHER_PEPPER_ID="2",
        JIFEN_VOUCHER_PEPPER_OLD="o" * 32,
        JIFEN_VOUCHER_PEPPER_OLD_ID="1",
    )

    assert made.voucher_peppers == {2: "p" * 32, 1: "o" * 32}


@pytest.mark.parametrize(
    "wrong",
    [
        {"JIFEN_VOUCHER_PEPPER_OLD": "o" * 32},
        {"JIFEN_VOUCHER_PEPPER_OLD": "o" * 32, "JIFEN_VOUCHER_PEPPER_OLD_ID": "1"},
        {"JIFEN_VOUCHER_PEPPER_OLD": "o" * 32, "JIFEN_VOUCHER_PEPPER_OLD_ID": "7"},
    ],
    ids=["without its number", "under the number of the new one", "newer than the new one"],
)
def test_a_pepper_that_would_be_lost_or_hide_the_new_one_is_refused(environment, wrong):
    with pytest.raises(ConfigError, match="JIFEN_VOUCHER_PEPPER_OLD"):
        environment(**PRODUCTION, **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"JIFEN_ZONE": "Mars/Olympus"},
        {"JIFEN_ZONE": "../../etc/passwd"},
        {"JIFEN_BILLING_URL": "ftp://billing"},
        {"JIFEN_BILLING_URL": "billing:8091"},
        {"JIFEN_PORT": "70000"},
    ],
)
def test_what_would_fail_later_is_refused_at_once(environment, wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        environment(**wrong)


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "DATABASE_OWNER_URL"])
def test_an_empty_address_is_as_good_as_none(environment, name):
    assert getattr(environment(**{name: ""}), name.lower()) is None


def test_secrets_do_not_show_when_the_configuration_is_printed(environment):
    made = environment(**PRODUCTION)

    assert [word for word in (SECRET, "p" * 32, "k" * 32) if word in repr(made)] == []
