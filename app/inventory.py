"""What each column of each table holds, as a class of data; docs/data-inventory.md is written from it.

A number, a moment, a flag or a code of a list tells nothing about a person by itself: beside a member's opaque number it is
what somebody did, elsewhere it is the operator's business. Bytes are classed by what their name says of them. Any other text or
JSON is named here, so that a new one is thought about.
"""

from collections.abc import Iterator
from enum import Enum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Uuid,
)
from sqlalchemy.dialects.postgresql import BYTEA

MEMBER = "member_id"
PAGE = "docs/data-inventory.md"


class Data(Enum):
    """What a column holds, the least delicate first; the value is how the page says it."""

    PUBLIC = "public: anybody may read it"
    INTERNAL = "internal: business of the operator and of merchants, about no person"
    PSEUDONYMOUS = "pseudonymous: what somebody is or did, beside an opaque number alone"
    DIGEST = "digest: a keyed or slow digest, or a hash of a content; it can be compared and not read"
    WORDS = "words: typed by people, who may have named somebody; shown to those who may see the matter, never searched by"
    PERSONAL = "personal: tells who somebody is, or much about them, to whoever reads the row"
    SEALED = "sealed: encrypted with a member's own key or one from outside the database"


class Unclassed(RuntimeError):
    """A column has no class."""


PLAIN_TYPES = (BigInteger, Integer, Boolean, Date, DateTime, Uuid)
# Words of a list, opaque ids, references to other systems, who did it (as kind and number), and figures: the name says so.
_CODES = """
about account action actor algorithm announced_by answer approval approval_class area asked_by assigned_by bank_payout before begun_by bill_id
blackout_days brand buyer_tax_number case_no cause channel class closing code code_version correction_id cost_centre country currency
cycle deed department did direction ends ended_by ended_case entered_by error event_id factor_ids failure frozen_by goods goods_class
group_class heap held holidays invoice_regime issued issuer issuing_rule interests key key_id kind ladder language last4 line_state
line_type lot_classes lot_in lot_key lot_out lots made_by masked media_type needs nonce number occasion opened_by outcome owner
payment payment_id payment_intent payout_route per period perk phase points points_back problem provider provider_order purpose rank reasons
recorded_by ref reference refund refused_lines rejected_by request_id result role roles route rule scope scopes sent_by seqs service side
sku source stage state step subject task template thawed_by tier tiers topic transaction transfer type types unit url uses verdict
way what why zone
changes counts details eligibility facts heads limits log names offer_names parcels prices protocol refusals report shares steps sums
survey terms took preview department_names form hours args data cash_choices pictures
"""
CODES = frozenset(_CODES.split())
DIGESTS = ("digest", "hash", "sha256")  # or what ends so
DIGESTS_BY_NAME = frozenset({"mark", "head", "chain", "public_key", "person"})
SEALS = ("sealed", "wrapped")
TYPED = frozenset({"reason", "note", "said", "refusal", "thaw_reason"})
PUBLIC: dict[str, tuple[str, ...]] = {
    "area": ("names",),
    "maintenance": ("texts",),
    "merchant": ("names", "city"),
    "notice_template": ("texts", "code"),
    "offer": ("names", "texts", "category", "city", "form", "terms", "pictures"),
    "outlet": ("names", "address", "hours"),
    "picture": ("content", "media_type"),
    "programme": ("names", "unit", "code"),
    "terminal_key": ("public_key",),
}
NAMED: dict[Data, dict[str, tuple[str, ...]]] = {
    Data.INTERNAL: {
        "analysis_run": ("protocol",),
        "api_key": ("name",),
        "campaign": ("content",),
        "group_profile": ("name",),
        "offer_draft": ("content",),
        "period_report": ("content",),
        "saved_view": ("place", "query"),
        "verify_run": ("found",),
        "webhook_endpoint": ("description",),
        "merchant_documents": ("tax_number",),
        "tax_invoice": ("seller_name", "seller_tax_number", "buyer_name"),
    },
    Data.PSEUDONYMOUS: {
        "access_review": ("content",),  # who may do what, by number
        "audit": ("actor", "subject", "facts"),
        "idempotency_key": ("answer",),
        "member_attribute": ("name", "value"),
        "preference": ("name",),
        "proposal": ("content",),
        "vault_item": ("name",),
    },
    Data.DIGEST: {"clerk": ("pin_hash",), "staff": ("password_hash",), "guess": ("scope",), "one_time_code": ("scope",)},
    Data.WORDS: {"intake": ("name",), "saved_view": ("name",), "trial_card_result": ("text",), "voucher_gift": ("message",)},
    Data.PERSONAL: {
        "gift": ("giver_masked", "receiver_masked"),
        "member": ("customer_id",),
        "member_facts": ("birthday",),
        "merchant_documents": ("legal_name", "licence_number"),
        "sign_in": ("device",),
        "staff": ("name", "email", "subject"),
        "staff_sign_in": ("network", "browser"),
        "staged_line": ("line",),
        "voucher_gift": ("giver_masked", "receiver_masked"),
    },
    Data.SEALED: {
        "contact": ("words", "next_step"),
        "intake_job": ("told",),
        "member_export": ("file",),
        "proof_sample": ("note",),
        "ticket_step": ("words",),
    },
}  # fmt: skip
_BY_COLUMN = {
    (table, column): data
    for data, tables in ({Data.PUBLIC: PUBLIC} | NAMED).items()
    for table, columns in tables.items()
    for column in columns
}


def of(column: Column[object]) -> Data:
    """The class of a column; Unclassed."""
    name, table = column.name, column.table
    said = _BY_COLUMN.get((table.name, name))
    if said is not None:
        return said
    if isinstance(column.type, BYTEA | LargeBinary):
        if name.endswith(SEALS):
            return Data.SEALED
        if name.endswith(DIGESTS) or name in DIGESTS_BY_NAME:
            return Data.DIGEST
    elif name == "chain":
        return Data.DIGEST
    elif name in TYPED:
        return Data.WORDS
    elif _is_plain(column) or name in CODES:
        return Data.PSEUDONYMOUS if MEMBER in table.columns else Data.INTERNAL
    raise Unclassed(f"{table.name}.{name}: give it a class in app/inventory.py")


def _is_plain(column: Column[object]) -> bool:
    inner = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    return isinstance(inner, PLAIN_TYPES)


def unclassed(metadata: MetaData) -> list[str]:
    """Columns without a class, and names in the tables above that no column has."""
    found, there = (
        [],
        {(table.name, column.name) for table in metadata.tables.values() for column in table.columns},
    )
    for table in metadata.tables.values():
        for column in table.columns:
            try:
                of(column)
            except Unclassed as error:
                found.append(str(error))
    return found + [f"{table}.{column} is no column" for table, column in sorted(_BY_COLUMN.keys() - there)]


def page(metadata: MetaData) -> str:
    """docs/data-inventory.md: each table with its columns by class."""
    count = sum(len(table.columns) for table in metadata.tables.values())
    head = f"""# What data there is

Every column of every table, by class: {len(metadata.tables)} tables, {count} columns. This page is written by
`python -m app.inventory` from the tables themselves; a column without a class, or a page that is not of today, fails a test.
No secret lies in the database in clear: what must be read again is sealed, what need only be compared is a digest.

"""
    classes = "".join(f"- **{data.name.lower()}**: {data.value.partition(': ')[2]}\n" for data in Data)
    rows = "".join(_lines(metadata))
    return f"{head}{classes}\n| table | columns |\n| --- | --- |\n{rows}"


def _lines(metadata: MetaData) -> Iterator[str]:
    for name, table in sorted(metadata.tables.items()):
        told = "; ".join(
            f"**{data.name.lower()}**: {', '.join(names)}" for data, names in _by_class(table).items()
        )
        yield f"| `{name}` | {told} |\n"


def _by_class(table: Table) -> dict[Data, list[str]]:
    found: dict[Data, list[str]] = {}
    for column in table.columns:
        found.setdefault(of(column), []).append(column.name)
    return {data: found[data] for data in reversed(Data) if data in found}


if __name__ == "__main__":
    from importlib import import_module
    from pathlib import Path

    from base.database import Base

    import_module("app.web")  # with it every model

    Path(PAGE).write_text(page(Base.metadata), "utf-8")
