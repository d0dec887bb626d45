"""How the tables would be spread over several machines by Citus: derived from the tables themselves.

A table whose key begins with the member is hot: it is spread by the member, beside the wallet, so that a member's deed
stays a transaction on one machine. The few others are named here: small ones that every machine has a copy of, those of
another party, and those that stay where they are. A table that is in none of these is a mistake that a test finds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Connection, MetaData, Table, text

MEMBER = "member_id"
CENTRE = "wallet"  # all hot tables lie beside its shards


class Place(Enum):
    """Where a table's rows are."""

    MEMBER = "by member"
    REFERENCE = "on every machine"
    OTHER = "by another key"
    LOCAL = "on the first machine"


REFERENCE = frozenset({
    "programme", "earn_rule", "earn_factor", "expiry_policy", "extension", "line_policy", "rate", "offer", "offer_state", "merchant", "outlet", "terminal", "terminal_key", "clerk", "terms", "terms_confirmation", "merchant_step",
    "merchant_documents",
    "staff", "api_key", "area", "entitlement_rule", "bonus_rule", "tier_policy", "care_rule", "notice_template",
    "segment", "segment_version", "budget", "budget_amount", "mix_target",
    "webhook_endpoint",
    "business_day", "points_pack",
    "ticket_rule", "care_occasion_rule", "visit_rule", "halt",
})  # fmt: skip
OTHER = {
    "statement": "merchant_id",
    "statement_line": "merchant_id",
    "merchant_item": "merchant_id",
    "tax_invoice": "merchant_id",
    **dict.fromkeys(
        (
            "payout",
            "payout_step",
            "payout_route",
            "payout_route_change",
            "stripe_account",
            "stripe_payout",
            "recovery",
        ),
        "merchant_id",
    ),
    "shift": "terminal_id",
    "terminal_nonce": "terminal_id",
    "till_attempt": "terminal_id",
    "sandbox_use": "terminal_id",
    "sign_in": "token_digest",
    "app_token": "digest",
    "recovery_code": "staff_id",
    "staff_sign_in": "staff_id",
    "phone_holder": "digest",
    **dict.fromkeys(("share_link", "share_view", "share_part"), "code"),
}
BESIDE = {
    **dict.fromkeys(("share_view", "share_part"), "share_link"),
    "statement_line": "statement",
    "merchant_item": "statement",
    "tax_invoice": "statement",
    **dict.fromkeys(
        (
            "payout",
            "payout_step",
            "payout_route",
            "payout_route_change",
            "stripe_account",
            "stripe_payout",
            "recovery",
        ),
        "statement",
    ),
}
LOCAL = {
    "member": "one open membership for a customer is a promise over all members, which no spread table can keep",
    "stock": "one row that many members take from; a copy on every machine would be written on every machine",
    "offer_count": "one row that many members take from, like stock",
    "stock_move": "one row a delivery or a count, written while the stock's row is locked",
    "budget_period": "one row that many members take from, like stock",
    "event_places": "one row that many members take from, like stock",
    "bonus_budget": "one row that many members take from, like stock",
    "bonus_day": "one row that many members take from, like stock",
    "one_time_code": "found by what it was asked for, lives minutes",
    "guess": "counted by what was tried, lives hours",
    "proposal": "written and read by few, found by kind and state",
    "decision": "one row a proposal, beside it",
    "payout_run": "one row a run of payouts",
    "payout_run_row": "one row a payout of a run, beside it",
    "bank_return": "one row a file of a bank",
    "stripe_event": "found by the id that Stripe gave it",
    "invitation": "found by its token, lives two days",
    "endorsement": "one row a checker of the few proposals that take several, beside them",
    "offer_draft": "written and read by few",
    "campaign": "written and read by few",
    "picture": "read by its hash, then kept by whoever read it",
    "maintenance": "a row for each planned work",
    "access_review": "one row a month",
    "verify_run": "one row an hour",
    "audit": "read by subject and time, by few",
    "audit_head": "one row a person or system that does things, beside the log",
    "import_run": "one row a file",
    "import_part": "one row for each thousand lines of a file that is being taken in",
    "expiry_run": "one row a walk",
    "tier_run": "one row an evaluation",
    "notice_walk": "one row a walk",
    "notice_spend": "one row a day",
    "notice_count": "some rows a day",
    "segment_run": "one row a refresh of a segment",
    "care_walk": "one row a night",
    "proof_run": "one row a service and month that was looked at",
    "analysis_run": "one row a report",
    "till_alert": "written when something looks wrong, read by few",
    "analysis_task": "one row a report that was asked for",
    "figures_run": "one row a topic and day",
    "area_sum": "sums of a day, beside the figures they are of",
    "mix_alert": "a row a week and heap at most",
    "breakage_run": "one row an estimate",
    "breakage_estimate": "some rows an estimate, beside it",
    "period_report": "three or four rows a month",
    "intake": "one row a file that was sent",
    "intake_part": "a megabyte of a file, for a week",
    "intake_job": "one row a dry run or a taking in",
    "intake_mapping": "some rows a person",
    "saved_view": "some rows a person",
    "replay_run": "one row a replay of a proposal, beside it",
    "webhook_replay": "one row a replay",
}


class Unclassified(LookupError):
    """A table of which nobody said where its rows are: name it in app/distribution.py."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A table, where its rows go, and by which column."""

    table: str
    place: Place
    key: str | None = None
    beside: str | None = None

    @property
    def statement(self) -> str | None:
        """What Citus is told; None for a table that stays."""
        if self.place is Place.LOCAL:
            return None
        if self.place is Place.REFERENCE:
            return f"select create_reference_table('{self.table}')"
        return (
            f"select create_distributed_table('{self.table}', '{self.key}', "
            f"colocate_with => '{self.beside or 'none'}')"
        )


def plan(metadata: MetaData) -> list[Spread]:
    """Every table in the order in which it is spread: what others lie beside comes first. Unclassified."""
    spread = [_spread(table) for table in metadata.tables.values()]
    order = list(Place)
    return sorted(spread, key=lambda one: (order.index(one.place), one.beside is not None, one.table))


def _spread(table: Table) -> Spread:
    name, key = table.name, [column.name for column in table.primary_key]
    if name in LOCAL:
        return Spread(name, Place.LOCAL)
    if name in REFERENCE:
        return Spread(name, Place.REFERENCE)
    if name in OTHER:
        return Spread(name, Place.OTHER, OTHER[name], BESIDE.get(name))
    if key[:1] == [MEMBER]:
        return Spread(name, Place.MEMBER, MEMBER, None if name == CENTRE else CENTRE)
    raise Unclassified(name)


def obstacles(connection: Connection, spread: Iterable[Spread]) -> Iterator[str]:
    """What in the database as it is would keep a table from being spread, in words; nothing when all is well.

    A primary key, a unique constraint or a unique index without the key that a table is spread by; a foreign key, a
    trigger, or a default that counts.
    """
    for one in spread:
        if one.key is None:
            continue
        for name, columns in connection.execute(_UNIQUE, {"table": one.table}):
            if one.key not in columns:
                yield f"{one.table}: {name} ({', '.join(columns)}) is unique without {one.key}"
            elif one.place is Place.MEMBER and name == f"{one.table}_pkey" and columns[0] != one.key:
                yield f"{one.table}: its primary key does not begin with {one.key}"
        for what, name in connection.execute(_FORBIDDEN, {"table": one.table}):
            yield f"{one.table}: {what} {name}"


def can_spread(connection: Connection) -> bool:
    """Whether Citus is installed in this database."""
    return bool(
        connection.scalar(
            text("select exists (select from pg_proc where proname = 'create_distributed_table')")
        )
    )


def done(connection: Connection) -> set[str]:
    """Tables that are spread already."""
    return set(connection.scalars(text("select logicalrelid::regclass::text from pg_dist_partition")))


_UNIQUE = text(
    "select i.relname, array_agg(coalesce(a.attname, '?') order by k.n) from pg_index x "
    "join pg_class i on i.oid = x.indexrelid cross join lateral unnest(x.indkey) with ordinality k(att, n) "
    "left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.att and k.att > 0 "
    "where x.indrelid = to_regclass(:table) and x.indisunique and k.n <= x.indnkeyatts group by i.relname order by i.relname"
)
_FORBIDDEN = text(
    "select case contype when 'f' then 'foreign key' else 'exclusion' end, conname from pg_constraint "
    "where contype in ('f', 'x') and to_regclass(:table) in (conrelid, confrelid) union all "
    "select 'trigger', tgname from pg_trigger where tgrelid = to_regclass(:table) and not tgisinternal union all "
    "select 'a default that counts,', a.attname from pg_attribute a "
    "left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum "
    "where a.attrelid = to_regclass(:table) and a.attnum > 0 and not a.attisdropped "
    "and (a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) ~ 'nextval') order by 1, 2"
)
