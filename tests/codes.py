"""Codes that were sent to a member, out of the messages."""

import re

from base import database
from base.config import Config
from base.notices import notices


def texts(config: Config, member_id: int, template: str) -> list[str]:
    """The messages of a kind to a member, the newest first."""
    with database.begin() as session:
        rows = notices.of_member(session, member_id, before=None, limit=50)
        return [
            one.text for one in notices.opened(session, rows, config.seal_key) if one.template == template
        ]


def code_of(config: Config, member_id: int, template: str) -> str:
    """The six digits of the newest one."""
    return re.findall(r"\b\d{6}\b", texts(config, member_id, template)[0])[0]
