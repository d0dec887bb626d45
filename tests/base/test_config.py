"""The configuration: everything that is wrong is said at once, and nothing secret is guessed in production."""

import base64
import hashlib
import itertools
import os
import secrets
import stat
from pathlib import Path

import pytest

from base import weak_keys
from base.config import Config, ConfigError

SECRET, PEPPER, OLDER, SEAL = (
    hashlib.sha256(name).hexdigest() for name in (b"one", b"two", b"three", b"four")
)
PRODUCTION = {
    "JIFEN_ENV": "production",
    "DATABASE_URL": "postgresql+psycopg://app@db/jifen",
    "JIFEN_SECRET_KEY": SECRET,
    "JIFEN_VOUCHER_PEPPER": PEPPER,
    "JIFEN_SEAL_KEY": SEAL,
    "JIFEN_HOSTS": "points.example, .shop.example",
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


def test_there_is_a_web_process_for_each_processor_up_to_four_unless_somebody_says_how_many(
    environment, monkeypatch
):
    counts = []
    for processors in (None, 1, 2, 64):
        monkeypatch.setattr("os.cpu_count", lambda processors=processors: processors)
        counts.append(environment().web_workers)

    assert counts == [1, 1, 2, 4]
    assert environment(JIFEN_WEB_WORKERS="7").web_workers == 7


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

    assert made.hosts == ("points.example", ".shop.example")
    assert (made.in_production, made.secret_key, made.voucher_peppers) == (True, SECRET, {1: PEPPER})


KEYS = ("JIFEN_SECRET_KEY", "JIFEN_VOUCHER_PEPPER", "JIFEN_SEAL_KEY")
WEAK = {
    "too short": SECRET[:31],
    "one sign": "s" * 64,
    "few signs": "0123" * 16,
    "an example": "example-" + SECRET,
    "to be changed": "Change-Me-" + SECRET,
    "a password": SECRET[:40] + "-Password",
    "the product's name": "jifen-" + SECRET,
    "a row of digits": "1234567890" * 4,
    "a row of letters": "ABCDEFGHIJ" * 4,
}


@pytest.mark.attack("A19")
@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("why", WEAK)
def test_production_does_not_start_with_a_key_that_can_be_guessed(environment, name, why):
    with pytest.raises(ConfigError, match=name) as refused:
        environment(**PRODUCTION | {name: WEAK[why]})

    assert WEAK[why] not in str(refused.value)


@pytest.mark.attack("A19")
@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(KEYS, 2)))
def test_production_does_not_start_with_one_key_for_two_purposes(environment, one, other):
    with pytest.raises(ConfigError, match="is the same as"):
        environment(**PRODUCTION | {one: SECRET, other: SECRET})


@pytest.mark.attack("A19")
def test_keys_as_the_readme_says_to_make_them_are_taken(environment):
    for _ in range(50):
        drawn = {name: secrets.token_hex(32) for name in KEYS}
        assert environment(**PRODUCTION | drawn).secret_key == drawn["JIFEN_SECRET_KEY"]


@pytest.mark.attack("A19")
def test_an_older_pepper_stays_known_beside_the_new_one(environment):
    made = environment(
        **PRODUCTION,
        JIFEN_VOUCHER_PEPPER_ID="2",
        JIFEN_VOUCHER_PEPPER_OLD=OLDER,
        JIFEN_VOUCHER_PEPPER_OLD_ID="1",
    )

    assert made.voucher_peppers == {2: PEPPER, 1: OLDER}


@pytest.mark.parametrize(
    "wrong",
    [
        {"JIFEN_VOUCHER_PEPPER_OLD": OLDER},
        {"JIFEN_VOUCHER_PEPPER_OLD": OLDER, "JIFEN_VOUCHER_PEPPER_OLD_ID": "1"},
        {"JIFEN_VOUCHER_PEPPER_OLD": OLDER, "JIFEN_VOUCHER_PEPPER_OLD_ID": "7"},
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

    assert [word for word in (SECRET, PEPPER, "k" * 32) if word in repr(made)] == []


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("JIFEN_SEAL_KEY", "s" * 40, "too few different characters"),
        ("JIFEN_SEAL_KEY", "0123456789abcdefghijklmnopqrstuvwxyz", "counted up"),
        ("JIFEN_SECRET_KEY", "please-changeme-" + SEAL, "looks like an example"),
        ("JIFEN_VOUCHER_PEPPER", SECRET, "same as JIFEN_SECRET_KEY"),
        ("FLASK_DEBUG", "1", "FLASK_DEBUG"),
    ],
)
def test_production_refuses_keys_that_are_none_and_a_program_that_tells_too_much(
    environment, name, value, told
):
    with pytest.raises(ConfigError, match=told) as error:
        environment(**PRODUCTION | {name: value})

    assert value == "1" or value not in str(error.value)
    if name != "JIFEN_VOUCHER_PEPPER":
        assert environment(**{name: value}).environment == "development"


def test_a_random_key_is_never_taken_for_a_weak_one():
    for number in range(2_000):
        digest = hashlib.sha256(str(number).encode())
        keys = {"hex": digest.hexdigest()[:32], "base64": base64.b64encode(digest.digest()).decode()}
        assert list(weak_keys.faults(keys)) == []


def test_failpoints_are_refused_in_production_and_read_elsewhere(environment):
    said = "part_taken=kill@3,wallet_read=sleep"

    assert environment(JIFEN_FAILPOINTS=said).failpoints == said
    with pytest.raises(ConfigError, match="JIFEN_FAILPOINTS"):
        environment(JIFEN_FAILPOINTS="part_taken=explode")
    with pytest.raises(ConfigError, match="JIFEN_FAILPOINTS: makes processes fail"):
        environment(**PRODUCTION, JIFEN_FAILPOINTS=said)
