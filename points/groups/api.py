"""HTTP: the operator's systems set groups up; a spender sees the groups that he or she may spend for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from base import clock, database, ids, pages
from base.auth.guard import current, needs
from base.auth.principals import Member, Service
from base.http.api import IDEMPOTENT, Blueprint, answer_once
from base.http.settings import config
from points.groups import groups, spending
from points.groups.groups import reference
from points.groups.models import Group
from points.groups.schemas import (
    ContactRequest,
    ContactsView,
    ContactView,
    EndedView,
    GroupRequest,
    GroupsView,
    GroupView,
    GroupWalletView,
    MyGroupView,
    SpenderRequest,
    allowance_view,
    contact_view,
    group_view,
    listed_view,
)
from points.wallets import explained, wallets
from points.wallets.schemas import PageQuery, PostingsView, posting_view, wallet_view

blueprint = Blueprint("groups", __name__, description="Groups, their contacts and spenders")


@blueprint.route("/groups", methods=["POST"])
@blueprint.arguments(GroupRequest)
@blueprint.response(200, GroupView)
@blueprint.doc(**IDEMPOTENT)
@needs("groups:manage")
def set_up(asked: dict[str, Any]) -> Response:
    """Make a member a group, or give it another name or class. Needs Idempotency-Key."""
    with database.begin() as session:
        member = groups.present(session, _service().programme_id, asked["customer_id"])
        return answer_once(session, member.member_id, asked, lambda: (200, _set_up(session, asked)))


@blueprint.route("/groups")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, GroupsView)
@needs("groups:manage")
def list_groups(query: dict[str, Any]) -> dict[str, Any]:
    """The programme's groups, in the order in which they joined."""
    after = _after("groups", query)
    with database.begin() as session:
        rows = groups.all_of(session, _service().programme_id, after=after, limit=query["limit"] + 1)
    found = [group for group, _ in rows]
    return _page("groups", query, [group_view(g) for g in found], [g.member_id for g in found])


@blueprint.route("/groups/<group>")
@blueprint.response(200, GroupView)
@needs("groups:manage")
def one_group(group: str) -> dict[str, Any]:
    """One group."""
    with database.begin() as session:
        return group_view(groups.find(session, _service().programme_id, _group_id(group)))


@blueprint.route("/groups/<group>/contacts", methods=["POST"])
@blueprint.arguments(ContactRequest)
@blueprint.response(200, ContactView)
@blueprint.doc(**IDEMPOTENT)
@needs("groups:manage")
def set_contact(asked: dict[str, Any], group: str) -> Response:
    """Make a member a contact of the group, or give a contact another rank. Needs Idempotency-Key."""
    with _changing(group) as (session, found):
        return answer_once(
            session, found.member_id, asked, lambda: (200, _set_contact(session, found, asked))
        )


@blueprint.route("/groups/<group>/contacts")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ContactsView)
@needs("groups:manage")
def list_contacts(query: dict[str, Any], group: str) -> dict[str, Any]:
    """The present contacts, each with what he or she may spend this month."""
    after, limit = _after(f"contacts:{group}", query), query["limit"]
    with database.begin() as session:
        found = groups.find(session, _service().programme_id, _group_id(group))
        rows = spending.contacts(session, found, clock.now(), after=after, limit=limit + 1)
        data = [listed_view(row) for row in rows]
    return _page(f"contacts:{group}", query, data, [row.contact.contact_id for row in rows])


@blueprint.route("/groups/<group>/contacts/<member>/end", methods=["POST"])
@blueprint.response(200, EndedView)
@blueprint.doc(**IDEMPOTENT)
@needs("groups:manage")
def end_contact(group: str, member: str) -> Response:
    """The member no longer belongs to the group and no longer spends for it. Needs Idempotency-Key."""
    with _changing(group) as (session, found):
        return answer_once(
            session, found.member_id, None, lambda: (200, _end(groups.end_contact, session, found, member))
        )


@blueprint.route("/groups/<group>/spenders", methods=["POST"])
@blueprint.arguments(SpenderRequest)
@blueprint.response(200, ContactView)
@blueprint.doc(**IDEMPOTENT)
@needs("groups:manage")
def set_spender(asked: dict[str, Any], group: str) -> Response:
    """Let a contact spend the group's points up to a cap in a month, or change the cap. Needs Idempotency-Key."""
    with _changing(group) as (session, found):
        return answer_once(
            session, found.member_id, asked, lambda: (200, _set_spender(session, found, asked))
        )


@blueprint.route("/groups/<group>/spenders/<member>/end", methods=["POST"])
@blueprint.response(200, EndedView)
@blueprint.doc(**IDEMPOTENT)
@needs("groups:manage")
def end_spender(group: str, member: str) -> Response:
    """The contact may no longer spend for the group. Needs Idempotency-Key."""
    with _changing(group) as (session, found):
        return answer_once(
            session, found.member_id, None, lambda: (200, _end(spending.end_spender, session, found, member))
        )


# A member who may spend


@blueprint.route("/members/me/groups")
@blueprint.response(200, MyGroupView(many=True))
@needs("groups:own")
def my_groups() -> list[dict[str, Any]]:
    """The groups that the member may spend for: the cap, what was spent of it, what is left and until when."""
    with database.begin() as session:
        return [
            {"id": reference(g.member_id), "name": g.name, "allowance": allowance_view(s)}
            for g, s in spending.mine(session, _me().member_id, clock.now())
        ]


@blueprint.route("/groups/<group>/wallet")
@blueprint.response(200, GroupWalletView)
@needs("groups:own")
def group_wallet(group: str) -> dict[str, Any]:
    """The wallet of a group that the member may spend for, and what is left of the own cap."""
    at = clock.now()
    with database.begin() as session:
        found = spending.visible(session, _group_id(group), _me().member_id)
        left = spending.of(session, found, _me().member_id, at)
        return wallet_view(wallets.show(session, found.member_id, at)) | {"allowance": allowance_view(left)}


@blueprint.route("/groups/<group>/postings")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, PostingsView)
@needs("groups:own")
def own_postings(query: dict[str, Any], group: str) -> dict[str, Any]:
    """What the member spent for the group and what came back of it, newest first; nobody else's."""
    before = _after(f"spent:{group}", query)
    with database.begin() as session:
        found = spending.visible(session, _group_id(group), _me().member_id)
        rows = wallets.postings(
            session, found.member_id, before=before, limit=query["limit"] + 1, spender_id=_me().member_id
        )
        said = explained.explanations(session, found.member_id, rows)
    data = [posting_view(row) | {"explanation": said[row.seq]} for row in rows]
    return _page(f"spent:{group}", query, data, [row.seq for row in rows])


def _service() -> Service:
    principal = current()
    assert isinstance(principal, Service)
    return principal


def _me() -> Member:
    principal = current()
    assert isinstance(principal, Member)
    return principal


def _group_id(text: str) -> int:
    return ids.parse("grp", text, parts=1)[0]


@contextmanager
def _changing(group: str) -> Iterator[tuple[Session, Group]]:
    """A transaction that changes a group of the service's programme; of two the second waits."""
    programme_id, group_id = _service().programme_id, _group_id(group)
    with database.begin() as session:
        yield session, groups.find(session, programme_id, group_id, change=True)


def _set_up(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    group = groups.set_up(
        session,
        _service().programme_id,
        asked["customer_id"],
        asked["name"],
        asked["group_class"],
        clock.now(),
        current().actor,
    )
    return group_view(group)


def _set_contact(session: Session, group: Group, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    made = groups.set_contact(session, group, asked["customer_id"], asked["rank"], at, current().actor)
    return contact_view(made, asked["customer_id"], spending.maybe(session, group, made.contact_id, at))


def _set_spender(session: Session, group: Group, asked: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    made = spending.set_spender(
        session,
        group,
        asked["customer_id"],
        asked["cap_points"],
        at,
        current().actor,
        asked["cost_centre"],
    )
    contact = groups.contact(session, group.member_id, made.spender_id)
    assert contact is not None
    return contact_view(contact, asked["customer_id"], spending.maybe(session, group, made.spender_id, at))


def _end(
    rule: Callable[[Session, Group, int, datetime, str], None], session: Session, group: Group, member: str
) -> dict[str, Any]:
    (member_id,) = ids.parse("mbr", member, parts=1)
    rule(session, group, member_id, clock.now(), current().actor)
    return {"member": member, "state": "ended"}


def _after(name: str, query: dict[str, Any]) -> int | None:
    place = pages.position(f"{name}:{config().secret_key}", query["cursor"])
    return place[0] if place else None


def _page(name: str, query: dict[str, Any], data: list[dict[str, Any]], places: list[int]) -> dict[str, Any]:
    """A page of a list of which one row more than asked was read."""
    limit, more = query["limit"], len(data) > query["limit"]
    return {
        "data": data[:limit],
        "has_more": more,
        "next_cursor": pages.cursor(f"{name}:{config().secret_key}", places[limit - 1]) if more else None,
    }
