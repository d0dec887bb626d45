"""Configuration: one frozen value, read once from the environment, every error named at once."""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from environs import Env, EnvValidationError
from marshmallow import ValidationError
from marshmallow.validate import Length, OneOf, Range, Regexp

from base import failpoints, weak_keys

DEVELOPMENT, TEST, PRODUCTION = "development", "test", "production"
STRIPE = "https://api.stripe.com"
MOST_WORKERS = 4  # unless somebody asks for more: each takes memory and its own connections
DEMO_KEYS, DEMO_ISSUER = "app-keys.json", "https://app.demo.invalid"


class ConfigError(Exception):
    """The configuration is not usable; the text names every variable that is wrong."""


@dataclass(frozen=True)
class Config:
    """Everything that differs between installations. Times in seconds, money in fen. Secrets stay out of its repr."""

    environment: str
    data_dir: Path
    database_url: str | None = field(repr=False)
    database_owner_url: str | None = field(repr=False)
    redis_url: str | None = field(repr=False)
    secret_key: str = field(repr=False)
    voucher_peppers: dict[int, str] = field(repr=False)
    seal_key: str = field(repr=False)
    billing_url: str
    ordering_url: str
    fulfilment_url: str
    host: str
    port: int
    language: str
    zone: str
    web_workers: int
    web_threads: int
    billing_timeout_s: int
    billing_tries: int
    billing_backoff_s: int
    billing_adjusts: bool
    check_hold_s: int
    unknown_floor_ms: int
    quote_life_s: int
    proxies: int
    hosts: tuple[str, ...]
    sms_url: str
    sms_key: str = field(repr=False)
    sms_timeout_s: int
    sms_tries: int
    sms_backoff_s: int
    sms_price_fen: int
    sms_day_fen: int
    stripe_secret_key: str = field(repr=False)
    stripe_api_base: str
    stripe_webhook_secret: str = field(repr=False)
    stripe_connect_secret: str = field(repr=False)
    stripe_timeout_s: int
    code_above_points: int
    code_above_fen: int
    thaw_wait_s: int
    failpoints: str
    app_keys: str
    app_issuer: str
    app_audience: str
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str = field(repr=False)
    oidc_return_url: str
    oidc_claim: str
    oidc_two_step_acr: str
    oidc_timeout_s: int

    @property
    def in_production(self) -> bool:
        return self.environment == PRODUCTION

    def at(self, **changes: object) -> "Config":
        """The same configuration with some values changed (tests, child processes)."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @staticmethod
    def from_env() -> "Config":
        """Read JIFEN_* and DATABASE_URL, DATABASE_OWNER_URL, REDIS_URL; ConfigError lists all that is wrong."""
        env = Env(eager=False)
        environment = env.str("JIFEN_ENV", DEVELOPMENT, validate=OneOf([DEVELOPMENT, TEST, PRODUCTION]))
        data_dir = env.str("JIFEN_DATA", ".jifen")
        values: dict[str, object] = {
            "database_url": env.str("DATABASE_URL", None) or None,
            "database_owner_url": env.str("DATABASE_OWNER_URL", None) or None,
            "redis_url": env.str("REDIS_URL", None) or None,
            "secret_key": env.str("JIFEN_SECRET_KEY", None, validate=_long_enough),
            "pepper": env.str("JIFEN_VOUCHER_PEPPER", None, validate=_long_enough),
            "pepper_id": env.int("JIFEN_VOUCHER_PEPPER_ID", 1, validate=Range(1, 255)),
            "old_pepper": env.str("JIFEN_VOUCHER_PEPPER_OLD", None, validate=_long_enough),
            "old_pepper_id": env.int("JIFEN_VOUCHER_PEPPER_OLD_ID", 0, validate=Range(0, 255)),
            "seal_key": env.str("JIFEN_SEAL_KEY", None, validate=_long_enough),
            "billing_url": env.str("JIFEN_BILLING_URL", "http://127.0.0.1:8091", validate=_web_address),
            "ordering_url": env.str("JIFEN_ORDERING_URL", "http://127.0.0.1:8091", validate=_web_address),
            "fulfilment_url": env.str(
                "JIFEN_FULFILMENT_URL", "http://127.0.0.1:8091/fulfilment", validate=_web_address
            ),
            "host": env.str("JIFEN_HOST", "127.0.0.1"),
            "port": env.int("JIFEN_PORT", 8080, validate=Range(1, 65535)),
            "language": env.str("JIFEN_LANGUAGE", "zh-CN", validate=OneOf(["zh-CN", "en"])),
            "zone": env.str("JIFEN_ZONE", "Asia/Shanghai", validate=_time_zone),
            "web_workers": env.int("JIFEN_WEB_WORKERS", _processors(), validate=Range(1, 64)),
            "web_threads": env.int("JIFEN_WEB_THREADS", 8, validate=Range(1, 64)),
            "billing_timeout_s": env.int("JIFEN_BILLING_TIMEOUT", 5, validate=Range(1, 60)),
            "billing_tries": env.int("JIFEN_BILLING_TRIES", 6, validate=Range(1, 50)),
            "billing_backoff_s": env.int("JIFEN_BILLING_BACKOFF", 2, validate=Range(0, 3600)),
            "billing_adjusts": env.bool("JIFEN_BILLING_ADJUSTS", False),
            "check_hold_s": env.int("JIFEN_CHECK_HOLD", 120, validate=Range(1, 600)),
            "unknown_floor_ms": env.int("JIFEN_UNKNOWN_FLOOR_MS", 100, validate=Range(0, 5_000)),
            "quote_life_s": env.int("JIFEN_QUOTE_LIFE", 600, validate=Range(1, 3600)),
            "proxies": env.int("JIFEN_PROXIES", 0, validate=Range(0, 5)),
            "hosts": tuple(name.strip() for name in env.str("JIFEN_HOSTS", "").split(",") if name.strip()),
            "sms_url": env.str("JIFEN_SMS_URL", "", validate=_web_address_or_none),
            "sms_key": env.str("JIFEN_SMS_KEY", ""),
            "sms_timeout_s": env.int("JIFEN_SMS_TIMEOUT", 5, validate=Range(1, 60)),
            "sms_tries": env.int("JIFEN_SMS_TRIES", 12, validate=Range(1, 50)),
            "sms_backoff_s": env.int("JIFEN_SMS_BACKOFF", 5, validate=Range(0, 3600)),
            "sms_price_fen": env.int("JIFEN_SMS_PRICE", 5, validate=Range(0, 10_000)),
            "sms_day_fen": env.int("JIFEN_SMS_DAY", 500_000, validate=Range(0, 10**12)),
            "stripe_secret_key": env.str("JIFEN_STRIPE_SECRET_KEY", ""),
            "stripe_api_base": env.str("JIFEN_STRIPE_API_BASE", STRIPE, validate=_web_address),
            "stripe_webhook_secret": env.str("JIFEN_STRIPE_WEBHOOK_SECRET", ""),
            "stripe_connect_secret": env.str("JIFEN_STRIPE_CONNECT_SECRET", ""),
            "stripe_timeout_s": env.int("JIFEN_STRIPE_TIMEOUT", 10, validate=Range(1, 60)),
            "code_above_points": env.int("JIFEN_CODE_ABOVE_POINTS", 10_000, validate=Range(0, 10**15)),
            "code_above_fen": env.int("JIFEN_CODE_ABOVE_FEN", 10_000, validate=Range(0, 10**15)),
            "thaw_wait_s": env.int("JIFEN_THAW_WAIT", 0, validate=Range(0, 30 * 86_400)),
            "failpoints": env.str("JIFEN_FAILPOINTS", "", validate=_failpoints),
            "app_keys": env.str("JIFEN_APP_KEYS", "", validate=_key_set_or_none),
            "app_issuer": env.str("JIFEN_APP_ISSUER", ""),
            "app_audience": env.str("JIFEN_APP_AUDIENCE", "jifen"),
            **_single_sign_on(env),
        }
        errors = _seal(env) or _misfits(values)
        if environment == PRODUCTION:
            errors += [
                f"{name}: must be set in production"
                for name, key in _NEEDED_IN_PRODUCTION.items()
                if not values.get(key)
            ]
            errors += weak_keys.faults(
                {name: str(values[key]) for name, key in _KEYS.items() if values.get(key)}
            )
            if own_environment().get("FLASK_DEBUG", "").lower() not in ("", "0", "false", "no"):
                errors.append(
                    "FLASK_DEBUG: shows what happens inside to whoever asks; leave it out in production"
                )
            if str(values["app_keys"]).startswith("http://"):
                errors.append("JIFEN_APP_KEYS: must be a file, or an https address")
            if values["failpoints"]:
                errors.append("JIFEN_FAILPOINTS: makes processes fail for tests; leave it out in production")
            if str(values["oidc_issuer"]).startswith("http:"):
                errors.append("JIFEN_OIDC_ISSUER: must be an https address in production")
            if str(values["stripe_api_base"]).rstrip("/") != STRIPE:
                errors.append(f"JIFEN_STRIPE_API_BASE: is {STRIPE} in production; leave it out")
        if errors:
            raise ConfigError("The configuration is not usable:\n  " + "\n  ".join(errors))
        return _build(environment, Path(data_dir).absolute(), values)


def _processors() -> int:
    """Web processes where nobody says how many: one for each processor, up to MOST_WORKERS."""
    return min(os.cpu_count() or 1, MOST_WORKERS)


def own_environment() -> dict[str, str]:
    """This process's environment, to be handed on to its children."""
    return dict(os.environ)


_NEEDED_IN_PRODUCTION = {
    "DATABASE_URL": "database_url",
    "JIFEN_SECRET_KEY": "secret_key",
    "JIFEN_VOUCHER_PEPPER": "pepper",
    "JIFEN_SEAL_KEY": "seal_key",
    "JIFEN_HOSTS": "hosts",
}
_KEYS = {
    "JIFEN_SECRET_KEY": "secret_key",
    "JIFEN_VOUCHER_PEPPER": "pepper",
    "JIFEN_VOUCHER_PEPPER_OLD": "old_pepper",
    "JIFEN_SEAL_KEY": "seal_key",
}
_long_enough = Length(min=32)
_web_address = Regexp(r"https?://[^/\s]+", error="must be an http or https address")
_is_key_set = re.compile(r"$|https://[^/\s]+|http://(?:127\.0\.0\.1|localhost)(?::\d+)?(?:/|$)|(?!\w+://).")
_web_address_or_none = Regexp(r"(?:https?://[^/\s]+|$)", error="must be an http or https address, or empty")


def _key_set_or_none(text: str) -> None:
    if not _is_key_set.match(text):
        raise ValidationError("must be a file, or an https address")


def _failpoints(said: str) -> None:
    try:
        failpoints.checked(said)
    except ValueError as wrong:
        raise ValidationError(str(wrong)) from None


def _time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError("must be an IANA time zone such as Asia/Shanghai") from None


def _single_sign_on(env: Env) -> dict[str, object]:
    """The issuer at which staff sign in; none where it is empty."""
    return {
        "oidc_issuer": env.str("JIFEN_OIDC_ISSUER", "", validate=_web_address_or_none),
        "oidc_client_id": env.str("JIFEN_OIDC_CLIENT_ID", ""),
        "oidc_client_secret": env.str("JIFEN_OIDC_CLIENT_SECRET", ""),
        "oidc_return_url": env.str("JIFEN_OIDC_RETURN_URL", "", validate=_web_address_or_none),
        "oidc_claim": env.str("JIFEN_OIDC_CLAIM", "sub"),
        "oidc_two_step_acr": env.str("JIFEN_OIDC_TWO_STEP_ACR", ""),
        "oidc_timeout_s": env.int("JIFEN_OIDC_TIMEOUT", 5, validate=Range(1, 30)),
    }


def _misfits(values: Mapping[str, object]) -> list[str]:
    """What is right alone and wrong together."""
    if bool(values["app_keys"]) != bool(values["app_issuer"]):
        return ["JIFEN_APP_KEYS, JIFEN_APP_ISSUER: the keys of the app need its issuer, and the issuer keys"]
    needed = ("oidc_client_id", "oidc_client_secret", "oidc_return_url")
    if values["oidc_issuer"] and not all(values[name] for name in needed):
        return [f"JIFEN_OIDC_ISSUER: needs {', '.join('JIFEN_' + name.upper() for name in needed)} as well"]
    if not (values["old_pepper"] or values["old_pepper_id"]):
        return []
    number, old_number = int(str(values["pepper_id"])), int(str(values["old_pepper_id"]))
    if values["old_pepper"] and 0 < old_number < number:
        return []
    return [
        "JIFEN_VOUCHER_PEPPER_OLD, JIFEN_VOUCHER_PEPPER_OLD_ID: an older pepper needs a number below the new one's"
    ]


def _seal(env: Env) -> list[str]:
    try:
        env.seal()
    except EnvValidationError as error:
        told = (
            error.error_messages if isinstance(error.error_messages, Mapping) else {"": error.error_messages}
        )
        return [f"{name}: {' '.join(texts)}" for name, texts in sorted(told.items())]
    return []


def _build(environment: str, data_dir: Path, values: dict[str, object]) -> Config:
    """Fill in the secrets that a development machine makes for itself, and drop the helpers."""
    made = {} if environment == PRODUCTION else _own_secrets(data_dir)
    peppers = {int(str(values.pop("pepper_id"))): str(values.pop("pepper") or made.get("pepper"))}
    old_id, old = values.pop("old_pepper_id"), values.pop("old_pepper")
    if old and old_id:
        peppers[int(str(old_id))] = str(old)
    for name in ("secret_key", "seal_key"):
        values[name] = values[name] or made.get(name)
    if environment == DEVELOPMENT and not values["app_keys"]:  # whom `jifen demo-token` plays
        values["app_keys"], values["app_issuer"] = str(data_dir / DEMO_KEYS), DEMO_ISSUER
    return Config(environment=environment, data_dir=data_dir, voucher_peppers=peppers, **values)  # type: ignore[arg-type]


def _own_secrets(data_dir: Path) -> dict[str, str]:
    """Secrets of a development machine."""
    return {name: own_secret(data_dir, name) for name in ("secret_key", "pepper", "seal_key")}


def own_secret(data_dir: Path, name: str) -> str:
    """A secret of a development machine: 64 hex digits."""
    return own_file(data_dir, name, lambda: secrets.token_hex(32))


def own_file(data_dir: Path, name: str, make: Callable[[], str]) -> str:
    """A secret text: made once, kept in the data folder, readable by its owner only."""
    folder = data_dir / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / name
    if not file.exists():
        fresh = folder / f".{name}.{secrets.token_hex(4)}"
        fresh.touch(mode=0o600)
        fresh.write_text(make())
        with suppress(FileExistsError):
            file.hardlink_to(fresh)  # of two first starts at once, one file wins
        fresh.unlink()
    return file.read_text().strip()
