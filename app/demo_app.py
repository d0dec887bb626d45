"""A stand-in for the operator's app on a development machine: it makes a key once, publishes it, and signs tokens.

The private key lies in the data folder beside the other secrets of the machine; production has none of this.
"""

import json
import secrets
from datetime import datetime

from joserfc import jws
from joserfc.jwk import ECKey

from base.auth.app_tokens import ALGORITHM, LIFE
from base.config import DEMO_ISSUER, DEMO_KEYS, Config, own_file
from base.errors import Conflict

KEY = "app-key.json"


class NoDemoApp(Conflict):
    """The keys of another app are configured here, or this is production."""

    zh = "此处配置了真实 App 的密钥，或为生产环境。"
    next_en, next_zh = (
        "Leave JIFEN_APP_KEYS out, outside production.",
        "非生产环境下不设置 JIFEN_APP_KEYS 即可。",
    )


def token(config: Config, customer_id: str, programme: str, at: datetime) -> str:
    """A token as the app would hand it over, good for five minutes and once. NoDemoApp."""
    if config.in_production or config.app_issuer != DEMO_ISSUER:
        raise NoDemoApp()
    key = _key(config)
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"}
    begins = int(at.timestamp())
    body = {
        "iss": config.app_issuer,
        "aud": config.app_audience,
        "sub": customer_id,
        "programme": programme,
        "iat": begins,
        "exp": begins + int(LIFE.total_seconds()),
        "jti": secrets.token_urlsafe(16),
    }
    return jws.serialize_compact(header, json.dumps(body), key, algorithms=[ALGORITHM])


def _key(config: Config) -> ECKey:
    """The key, made once; its public half is what the installation reads."""

    def fresh() -> str:
        made = ECKey.generate_key("P-256", {"kid": f"demo-{secrets.token_hex(4)}", "use": "sig"})
        return json.dumps(made.as_dict(private=True))

    key = ECKey.import_key(json.loads(own_file(config.data_dir, KEY, fresh)))
    public = config.data_dir / DEMO_KEYS
    if not public.exists():
        public.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    return key
