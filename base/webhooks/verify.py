"""Proof of webhooks: what a live endpoint wants is on its way or was, nothing waits without a promise, no success without a try."""

from collections.abc import Iterator

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from base import jobs
from base.findings import Finding
from base.webhooks.endpoints import WAKE_TASK
from base.webhooks.models import LIVE, WAITING, Delivery, Endpoint
from base.webhooks.webhooks import PING, TASK

MOST = 100
# A minute of room: a deed that had looked for endpoints before this one was there, or had changed.
_MISSING = text(f"""
select e.member_id, e.event_id, n.endpoint_id from webhook_endpoint n
join webhook_event e on (e.programme_id = n.programme_id or e.merchant_id = n.merchant_id) and e.at > n.changed_at + interval '1 minute' and e.type <> '{PING}'
left join webhook_delivery d on (d.member_id, d.endpoint_id, d.event_id) = (e.member_id, n.endpoint_id, e.event_id)
where n.state = 'live' and d.event_id is null and exists (select from unnest(n.types) t
  where t in ('*', e.type) or (t like '%.*' and starts_with(e.type, left(t, -1))))
order by 1, 2, 3 limit {MOST}
""")
_NO_EVENT = text(f"""
select d.member_id, d.endpoint_id, d.event_id from webhook_delivery d
left join webhook_event e on e.member_id = d.member_id and e.event_id = d.event_id
where e.event_id is null order by 1, 2, 3 limit {MOST}
""")
_NO_TRY = text(f"""
select d.member_id, d.endpoint_id, d.event_id from webhook_delivery d where d.state = 'delivered' and not exists (
  select from webhook_try t where (t.member_id, t.endpoint_id, t.event_id) = (d.member_id, d.endpoint_id, d.event_id)
  and t.error is null and t.status between 200 and 299) order by 1, 2, 3 limit {MOST}
""")


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    for asked, fault in (
        (_MISSING, "it is wanted, and not on its way"),
        (_NO_EVENT, "what it delivers is not there"),
        (_NO_TRY, "it is delivered, and no try got through"),
    ):
        for member_id, one, two in session.execute(asked):
            yield Finding("webhook", f"member {member_id} {one} {two}", fault)
    yield from _without_promise(session)


def _without_promise(session: Session) -> Iterator[Finding]:
    waking = {args["endpoint_id"] for args in jobs.promised(session, WAKE_TASK)}
    promised = {(args["member_id"], args["endpoint_id"]) for args in jobs.promised(session, TASK)}
    waiting = session.execute(
        select(Delivery.member_id, Delivery.endpoint_id)
        .join(Endpoint, Endpoint.endpoint_id == Delivery.endpoint_id)
        .where(Delivery.state == WAITING, Endpoint.state == LIVE)
        .distinct()
        .order_by(Delivery.member_id, Delivery.endpoint_id)
    )
    lost = [(m, e) for m, e in waiting if (m, e) not in promised and e not in waking]
    for member_id, endpoint_id in lost[:MOST]:
        yield Finding("webhook", f"member {member_id} {endpoint_id}", "it waits, and nobody will look at it")
