"""HTTP: wallets and postings. `me` is the signed-in member; a service names a member of its programme."""

from typing import Any

from base import clock, database, pages
from base.auth.guard import current, needs
from base.auth.principals import Member
from base.http.api import Blueprint
from base.http.settings import config
from points.kinds import Kind
from points.members import scope
from points.wallets import explained, traced, wallets
from points.wallets.schemas import (
    PostingsQuery,
    PostingsView,
    TracedLotView,
    WalletView,
    posting_view,
    traced_view,
    wallet_view,
)

blueprint = Blueprint("wallets", __name__, description="Wallets and postings")
_SEQ = "<int(max=9223372036854775807):seq>"


@blueprint.route("/members/me/wallet")
@blueprint.response(200, WalletView)
@needs("wallet:own")
def my_wallet() -> dict[str, Any]:
    """Spendable points, lots, what lapses soon."""
    return _wallet(_me().member_id)


@blueprint.route("/members/<member>/wallet")
@blueprint.response(200, WalletView)
@needs("wallet:any")
def wallet(member: str) -> dict[str, Any]:
    """A member's wallet, for the operator's systems."""
    return _wallet(_member_of_service(member))


@blueprint.route("/members/me/postings")
@blueprint.arguments(PostingsQuery, location="query")
@blueprint.response(200, PostingsView)
@needs("wallet:own")
def my_postings(query: dict[str, Any]) -> dict[str, Any]:
    """Every movement with its reason, newest first; maybe only of a kind, or of some days."""
    return _postings(_me().member_id, query)


@blueprint.route("/members/<member>/postings")
@blueprint.arguments(PostingsQuery, location="query")
@blueprint.response(200, PostingsView)
@needs("wallet:any")
def member_postings(query: dict[str, Any], member: str) -> dict[str, Any]:
    """A member's movements, for the operator's systems."""
    return _postings(_member_of_service(member), query)


@blueprint.route(f"/members/me/postings/{_SEQ}/lots")
@blueprint.response(200, TracedLotView(many=True))
@needs("wallet:own")
def my_posting_lots(seq: int) -> list[dict[str, Any]]:
    """The lots that a posting took or gave, and which earlier movements and bill lines brought these points."""
    return _traced(_me().member_id, seq, through_gifts=False)


@blueprint.route(f"/members/<member>/postings/{_SEQ}/lots")
@blueprint.response(200, TracedLotView(many=True))
@needs("wallet:any")
def member_posting_lots(member: str, seq: int) -> list[dict[str, Any]]:
    """The same for the operator's systems; a gift is followed to the bill lines of its giver."""
    return _traced(_member_of_service(member), seq, through_gifts=True)


def _me() -> Member:
    principal = current()
    assert isinstance(principal, Member)
    return principal


def _member_of_service(text: str) -> int:
    """A member of the service's own programme and area; any other is unknown."""
    with database.begin() as session:
        return scope.find(session, current(), text).member_id


def _wallet(member_id: int) -> dict[str, Any]:
    with database.begin() as session:
        return wallet_view(wallets.show(session, member_id, clock.now()))


def _traced(member_id: int, seq: int, *, through_gifts: bool) -> list[dict[str, Any]]:
    with database.begin() as session:
        parts = traced.of_posting(session, member_id, seq, through_gifts=through_gifts)
    return [traced_view(part, member_id) for part in parts]


def _postings(member_id: int, query: dict[str, Any]) -> dict[str, Any]:
    key, limit = f"postings:{config().secret_key}", query["limit"]
    place = pages.position(key, query["cursor"])
    kind = Kind[query["kind"].upper()] if query["kind"] else None
    with database.begin() as session:
        rows = wallets.postings(
            session,
            member_id,
            before=place[0] if place else None,
            limit=limit + 1,
            kind=kind,
            from_day=query["from_day"],
            until_day=query["until_day"],
        )
        said = explained.explanations(session, member_id, rows[:limit])
    return {
        "data": [posting_view(row) | {"explanation": said[row.seq]} for row in rows[:limit]],
        "has_more": len(rows) > limit,
        "next_cursor": pages.cursor(key, rows[limit - 1].seq) if len(rows) > limit else None,
    }
