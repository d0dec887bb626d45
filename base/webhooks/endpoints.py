"""Endpoints: where events go; made, changed, paused and removed by staff, a system or a merchant's owner, each deed on record.

The secret is shown once, when it is made or rotated. While an endpoint is paused its events wait, for KEPT at most.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from base import audit, database, ids, outbox
from base.auth.principals import Principal
from base.errors import Conflict, Invalid, NotFound
from base.webhooks import owners, signing
from base.webhooks.models import LIVE, PAUSED, REMOVED, Endpoint

WAKE_TASK = "webhooks.wake"
OVERLAP = timedelta(hours=24)  # so long the old secret signs as well
KEPT = timedelta(days=30)  # so long events are kept for a paused endpoint, and so far back a replay goes
FAILS_FOR = timedelta(days=5)  # a receiver to which nothing gets through for so long is paused
MOST_TYPES, MOST_ENDPOINTS, LONGEST_TYPE = 50, 20, 100
WORKER = "job:webhooks"
_WANTED = re.compile(r"\*|[a-z0-9_-]+(?:\.[a-z0-9_-]+)+|(?:[a-z0-9_-]+\.)+\*")


class EndpointUnknown(NotFound):
    """There is no such endpoint."""

    zh = "没有该事件接收端。"


class EndpointRemoved(Conflict):
    """This endpoint was removed."""

    zh = "该事件接收端已移除。"
    next_en, next_zh = "Register a new one.", "请登记新的接收端。"


class EndpointPaused(Conflict):
    """This endpoint is paused."""

    zh = "该事件接收端已暂停。"
    next_en, next_zh = "Resume it first.", "请先恢复。"


class TooManyEndpoints(Conflict):
    """There are as many endpoints as there may be."""

    zh = "事件接收端已达上限。"
    next_en, next_zh = "Remove one that is not needed any more.", "请先移除不再需要的接收端。"


@dataclass(frozen=True)
class Wanted:
    """What an endpoint is to be: its https url, the types of event (with * as last part: all below), a word about it."""

    url: str
    types: tuple[str, ...]
    description: str


def wanting(session: Session, type: str, at: datetime) -> list[Endpoint]:
    """The endpoints, of whichever owner, that an event of this type is kept for."""
    if not database.rows(session, _ANY):
        return []
    parts = type.split(".")
    ways = [type, "*", *(".".join(parts[:n]) + ".*" for n in range(1, len(parts)))]
    asked = select(Endpoint).where(
        Endpoint.types.overlap(ways),
        or_(Endpoint.state == LIVE, (Endpoint.state == PAUSED) & (Endpoint.paused_at > at - KEPT)),
    )
    return list(session.scalars(asked.execution_options(populate_existing=True)))


# Asked with every event, so in words that need no compiling; most often nobody listens at all.
LISTENS = f"exists (select from webhook_endpoint where state in ('{LIVE}', '{PAUSED}'))"
_ANY = f"select 1 one where {LISTENS}"


def wants(endpoint: Endpoint, type: str) -> bool:
    """Whether an endpoint wants a type."""
    return any(
        each in ("*", type) or (each.endswith(".*") and type.startswith(each[:-1])) for each in endpoint.types
    )


def create(
    session: Session, seal_key: str, principal: Principal, programme: str | None, wanted: Wanted, at: datetime
) -> tuple[Endpoint, str]:
    """A live endpoint and its secret, which is not seen again. The url must have been looked up before."""
    owner = owners.named(session, principal, programme)
    types = _checked(wanted.types)
    there = session.scalars(
        select(Endpoint.endpoint_id)
        .where(owner.of(Endpoint), Endpoint.state != REMOVED)
        .limit(MOST_ENDPOINTS)
    )
    if len(there.all()) >= MOST_ENDPOINTS:
        raise TooManyEndpoints(most=MOST_ENDPOINTS)
    endpoint_id, secret = ids.new_id(), signing.fresh_secret()
    made = Endpoint(
        endpoint_id=endpoint_id,
        programme_id=owner.programme_id,
        merchant_id=owner.merchant_id,
        made_at=at,
        changed_at=at,
        state=LIVE,
        url=wanted.url,
        description=wanted.description,
        types=types,
        secret_sealed=signing.sealed(seal_key, endpoint_id, secret),
    )
    session.add(made)
    session.flush()
    _told(session, principal, "made", made, types=types)
    return made, secret


def change(
    session: Session, principal: Principal, endpoint: Endpoint, at: datetime, **wanted: Any
) -> Endpoint:
    """Another url, other types or words from now on; what is not named stays. What waits goes to the new url."""
    _not_removed(endpoint)
    if "types" in wanted:
        wanted["types"] = _checked(wanted["types"])
    if "url" in wanted:
        wanted |= {"failing_since": None, "rest_until": None}
    for name, value in wanted.items():
        setattr(endpoint, name, value)
    endpoint.changed_at = at
    _told(
        session, principal, "changed", endpoint, fields=sorted(set(wanted) & {"url", "types", "description"})
    )
    return endpoint


def rotate(
    session: Session, seal_key: str, principal: Principal, endpoint: Endpoint, at: datetime
) -> tuple[Endpoint, str]:
    """A new secret, not seen again; the one before signs as well for OVERLAP, an older one no longer."""
    _not_removed(endpoint)
    secret = signing.fresh_secret()
    endpoint.old_secret_sealed, endpoint.old_secret_until = endpoint.secret_sealed, at + OVERLAP
    endpoint.secret_sealed = signing.sealed(seal_key, endpoint.endpoint_id, secret)
    endpoint.changed_at = at
    _told(session, principal, "secret-rotated", endpoint)
    return endpoint, secret


def pause(session: Session, principal: Principal, endpoint: Endpoint, reason: str, at: datetime) -> Endpoint:
    """Send nothing from now on; what comes waits. A paused one stays as it is."""
    _not_removed(endpoint)
    if endpoint.state == LIVE:
        endpoint.state, endpoint.paused_at, endpoint.changed_at, endpoint.reason = PAUSED, at, at, reason
        _told(session, principal, "paused", endpoint, reason=reason)
    return endpoint


def pause_failing(session: Session, endpoint_id: int, reason: str, at: datetime) -> None:
    """Pause an endpoint because of what its receiver does; of many who find that at once one writes it down."""
    paused = session.scalar(
        update(Endpoint)
        .where(Endpoint.endpoint_id == endpoint_id, Endpoint.state == LIVE)
        .values(state=PAUSED, paused_at=at, changed_at=at, reason=reason)
        .returning(Endpoint.endpoint_id)
    )
    if paused is not None:
        audit.write(session, WORKER, "webhook.paused", _public(endpoint_id), reason=reason)


def resume(session: Session, principal: Principal, endpoint: Endpoint, at: datetime) -> Endpoint:
    """Send again: first what has waited, in its order. A live one stays as it is."""
    _not_removed(endpoint)
    if endpoint.state == PAUSED:
        endpoint.state, endpoint.paused_at, endpoint.changed_at, endpoint.reason = LIVE, None, at, None
        endpoint.failing_since = endpoint.rest_until = None
        outbox.put(session, 0, WAKE_TASK, {"endpoint_id": endpoint.endpoint_id, "after": -1})
        _told(session, principal, "resumed", endpoint)
    return endpoint


def remove(session: Session, principal: Principal, endpoint: Endpoint, at: datetime) -> Endpoint:
    """Send nothing any more, for good; what was sent stays on record, what waits is dropped."""
    if endpoint.state != REMOVED:
        endpoint.state, endpoint.paused_at, endpoint.changed_at = REMOVED, None, at
        outbox.put(session, 0, WAKE_TASK, {"endpoint_id": endpoint.endpoint_id, "after": -1})
        _told(session, principal, "removed", endpoint)
    return endpoint


def find(session: Session, principal: Principal, text: str, *, lock: bool = False) -> Endpoint:
    """The endpoint of a public id, of the asker's own; EndpointUnknown."""
    (endpoint_id,) = ids.parse("whe", text, parts=1)
    owners.whole(principal)
    found = session.get(Endpoint, endpoint_id, with_for_update=lock or None, populate_existing=True)
    if found is None or not owners.reaches(principal, found):
        raise EndpointUnknown()
    return found


def live(endpoint: Endpoint) -> Endpoint:
    """The endpoint, which must be live; EndpointPaused, EndpointRemoved."""
    _not_removed(endpoint)
    if endpoint.state == PAUSED:
        raise EndpointPaused(reason=endpoint.reason)
    return endpoint


def listed(
    session: Session, principal: Principal, *, before: int | None = None, limit: int = 50
) -> list[Endpoint]:
    """Endpoints of the asker's own programme or merchant, or of all programmes, newest first; removed ones too."""
    reach = owners.reach(principal, Endpoint)
    asked = select(Endpoint).where(reach).order_by(Endpoint.endpoint_id.desc()).limit(limit)
    if before is not None:
        asked = asked.where(Endpoint.endpoint_id < before)
    return list(session.scalars(asked))


def reference(endpoint: Endpoint) -> str:
    """An endpoint's public id."""
    return _public(endpoint.endpoint_id)


def _public(endpoint_id: int) -> str:
    return ids.public("whe", endpoint_id)


def _checked(types: tuple[str, ...] | list[str]) -> list[str]:
    wrong = [each for each in types if len(each) > LONGEST_TYPE or not _WANTED.fullmatch(each)]
    if wrong or not 0 < len(types) <= MOST_TYPES:
        text = (
            f"{wrong[0][:LONGEST_TYPE]!r} is no type: write jifen.redemption.fulfilled, jifen.redemption.* or *"
            if wrong
            else f"1 to {MOST_TYPES} types"
        )
        raise Invalid(f"types: {text}", errors=[{"pointer": "/types", "detail": text}])
    return sorted(set(types))


def _not_removed(endpoint: Endpoint) -> None:
    if endpoint.state == REMOVED:
        raise EndpointRemoved()


def _told(session: Session, principal: Principal, what: str, endpoint: Endpoint, **facts: Any) -> None:
    audit.write(session, principal.actor, f"webhook.{what}", reference(endpoint), **facts)
