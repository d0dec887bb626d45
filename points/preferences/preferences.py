"""What members prefer, each word with source, moment and consent; the later word wins, and no row is ever changed.

Without consent nothing is targeted by it: interests enter the facts that segments and offers ask only while the latest
word consents, and leave them in the transaction that takes the consent back. No consent is never a refusal of service:
nothing else asks here. Values are sealed with the member's own key; a second contact goes to the vault itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from base import channels, ids, seals, vault
from base.channels import CHANNELS
from base.config import Config
from base.errors import Invalid, field_errors
from points.members import members
from points.members.members import PHONE
from points.members.models import Member, MemberFacts, Preference
from points.refusals import MemberClosed

INTERESTS, INDUSTRY, SECOND_CONTACT, LANGUAGE, CONTACT_BY = (
    "interests",
    "industry",
    "second_contact",
    "language",
    "contact_by",
)
LECTURES: dict[str, dict[str, str]] = {
    "health": {"zh-CN": "健康养生", "en": "Health"},
    "finance": {"zh-CN": "金融理财", "en": "Finance"},
    "stars": {"zh-CN": "风水星座", "en": "Feng shui and stars"},
    "art": {"zh-CN": "艺术鉴赏", "en": "Art"},
    "education": {"zh-CN": "教育培训", "en": "Education"},
    "everyday": {"zh-CN": "民生生活", "en": "Everyday life"},
}
ACTIVITIES: dict[str, dict[str, str]] = {
    "travel": {"zh-CN": "旅游", "en": "Travel"},
    "outdoor": {"zh-CN": "户外", "en": "Outdoors"},
    "brands": {"zh-CN": "品牌专场", "en": "Brand days"},
    "family": {"zh-CN": "亲子活动", "en": "With children"},
    "charity": {"zh-CN": "公益活动", "en": "Charity"},
    "clubs": {"zh-CN": "休闲会所", "en": "Leisure clubs"},
    "fitness": {"zh-CN": "健身会所", "en": "Fitness"},
    "ball": {"zh-CN": "球类", "en": "Ball games"},
}
ALL_INTERESTS = LECTURES | ACTIVITIES
INDUSTRIES: dict[str, dict[str, str]] = {
    "public": {"zh-CN": "政府与公共事业", "en": "Public service"},
    "finance": {"zh-CN": "金融", "en": "Finance"},
    "industry": {"zh-CN": "制造", "en": "Manufacturing"},
    "trade": {"zh-CN": "商贸", "en": "Trade"},
    "it": {"zh-CN": "信息技术", "en": "IT"},
    "education": {"zh-CN": "教育医疗", "en": "Education and health"},
    "other": {"zh-CN": "其他", "en": "Other"},
}
LANGUAGES = {"zh-CN": {"zh-CN": "中文", "en": "Chinese"}, "en": {"zh-CN": "英文", "en": "English"}}


class PreferenceInTheFuture(Invalid):
    """A preference is told when it holds, not before."""

    zh = "偏好的生效时间不能晚于现在。"


@dataclass(frozen=True)
class Said:
    """One word: `values` are codes (one for all but interests and contact_by), empty for none."""

    name: str
    values: tuple[str, ...]
    consent: bool
    since: datetime
    at: datetime
    channel: str


def say(
    session: Session,
    config: Config,
    member_id: int,
    name: str,
    values: Sequence[str],
    *,
    consent: bool,
    channel: str,
    at: datetime,
    since: datetime | None = None,
) -> Said:
    """Keep a word. Invalid for a name or value that is none, ChannelUnknown, PreferenceInTheFuture, PersonErased."""
    channels.checked(channel)
    _check(name, values)
    since = since or at
    if since > at:
        raise PreferenceInTheFuture()
    member = session.get(Member, member_id, with_for_update=True)  # of two words one comes after the other
    if member is None:
        raise members.MemberUnknown()
    if member.left_on is not None:
        raise MemberClosed(since=str(member.left_on))
    said = Said(name, tuple(dict.fromkeys(values)), consent, since, at, channel)
    kept = said.values
    if name == SECOND_CONTACT:
        if values:
            vault.put(session, config.seal_key, member_id, {vault.SECOND_PHONE: values[0]}, at, channel)
        kept = ("vault",) if values else ()
    entry_id = ids.new_id()
    key = vault.keys_for(session, config.seal_key, [member_id])[member_id]
    session.add(
        Preference(
            member_id=member_id,
            entry_id=entry_id,
            since=since,
            at=at,
            consent=consent,
            name=name,
            channel=channel,
            sealed=seals.seal(key, ",".join(kept), _bound(entry_id)),
        )
    )
    session.flush()
    if name == INTERESTS:
        _keep_facts(session, config, member_id)
    elif name == LANGUAGE:
        said_last = latest(session, config, member_id)[LANGUAGE].values
        member.language = said_last[0] if said_last else None  # in which messages go out
    return said


def latest(session: Session, config: Config, member_id: int) -> dict[str, Said]:
    """The word that counts for each name; the second contact as the vault has it, in clear. PersonErased."""
    found: dict[str, Said] = {}
    for one in history(session, config, member_id):  # newest first
        found.setdefault(one.name, one)
    return found


def history(session: Session, config: Config, member_id: int) -> list[Said]:
    """Every word, the one that counts first."""
    rows = session.scalars(
        select(Preference)
        .where(Preference.member_id == member_id)
        .order_by(Preference.since.desc(), Preference.entry_id.desc())
    ).all()
    if not rows:
        return []
    key = vault.keys_of(session, config.seal_key, [member_id])[member_id]
    second = vault.opened(session, config.seal_key, member_id).get(vault.SECOND_PHONE)
    return [
        Said(row.name, _values(row, key, second), row.consent, row.since, row.at, row.channel) for row in rows
    ]


def _values(row: Preference, key: str, second: str | None) -> tuple[str, ...]:
    text = seals.opened(key, row.sealed, _bound(row.entry_id))
    if row.name == SECOND_CONTACT and text:
        return (second,) if second else ()
    return tuple(text.split(",")) if text else ()


def _keep_facts(session: Session, config: Config, member_id: int) -> None:
    """What may be asked of the member's interests is what the word that counts consents to."""
    word = latest(session, config, member_id)[INTERESTS]
    session.execute(
        update(MemberFacts)
        .where(MemberFacts.member_id == member_id)
        .values(interests=sorted(word.values) if word.consent else [])
    )


def _check(name: str, values: Sequence[str]) -> None:
    if name not in NAMES:
        raise field_errors({"name": f"is one of {', '.join(NAMES)}"})
    known, most = NAMES[name]
    if len(values) > most or not all(known(value) for value in values):
        raise field_errors({"values": WORDS[name]})


NAMES: dict[str, tuple[Callable[[str], bool], int]] = {  # what a value may be, and how many
    INTERESTS: (ALL_INTERESTS.__contains__, len(ALL_INTERESTS)),
    INDUSTRY: (INDUSTRIES.__contains__, 1),
    SECOND_CONTACT: (lambda text: bool(PHONE.fullmatch(text)), 1),
    LANGUAGE: (LANGUAGES.__contains__, 1),
    CONTACT_BY: (CHANNELS.__contains__, len(CHANNELS)),
}
WORDS = {
    INTERESTS: f"are of {', '.join(ALL_INTERESTS)}",
    INDUSTRY: f"is one of {', '.join(INDUSTRIES)}",
    SECOND_CONTACT: "is a phone number of 5 to 15 ASCII digits",
    LANGUAGE: f"is one of {', '.join(LANGUAGES)}",
    CONTACT_BY: f"are of {', '.join(CHANNELS)}",
}


def _bound(entry_id: int) -> str:
    return f"preference:{entry_id}"
