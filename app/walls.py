"""The second wall as a whole: which tables stand outside of it and why, and whether it stands.

A table with a column that says whose a row is has row-level security (the policies are in migrations/walls.py, who comes
behind them in base/auth/wall.py), or it is named here with a reason. A table that is in neither is a mistake that a test
finds; a wall that has fallen keeps the web process from starting in production.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import MetaData, text
from sqlalchemy.orm import Session

from base.auth.wall import ROLES

SCOPES = frozenset({"member_id", "merchant_id", "outlet_id", "terminal_id", "area", "programme_id"})

_LEDGER = (
    "of the ledger, too hot for a sub-select: staff come to it by a member, whose own row is behind the wall"
)
_TWO_SIDES = "a deed about a member here writes a row of a member elsewhere"
_RULES = "one rule or run for everybody in a programme; staff are bound to areas, not to programmes"
_OFFERED = "shown to every member, and kept in the memory of the process for whoever comes next"
_MACHINE = "of the machinery, written along with any deed and read by its own key"
OUTSIDE = {
    **dict.fromkeys(
        ("wallet", "posting", "hold", "redemption", "redemption_step", "quote", "seat", "bill_line", "bill_correction",
         "bill_payment", "waiting_line", "bonus", "perk_use", "bundle_part", "cash_part", "cash_event", "card_proceeds",
         "budget_use", "voucher_lapse", "step_up", "expiry_notice", "segment_member"),
        _LEDGER,
    ),
    **dict.fromkeys(
        ("gift", "voucher_gift", "companion_link", "group_profile", "group_contact", "spender", "spent", "notice"),
        _TWO_SIDES,
    ),
    **dict.fromkeys(
        ("programme", "earn_rule", "earn_factor", "expiry_policy", "expiry_run", "extension", "line_policy", "bonus_rule",
         "tier_policy", "tier_run", "entitlement_rule", "care_rule", "care_occasion_rule", "care_walk", "visit_rule", "ticket_rule",
         "notice_walk", "mix_target", "mix_alert", "figures_run", "period_report", "breakage_run", "breakage_estimate",
         "analysis_run", "analysis_task", "replay_run", "import_run", "intake"),
        _RULES,
    ),
    **dict.fromkeys(("offer", "offer_state", "rate"), _OFFERED),
    **dict.fromkeys(("outbox", "idempotency_key", "staged_line", "terminal_nonce", "sandbox_use"), _MACHINE),
    "halt": "what is stopped is stopped for everybody in a programme",
    "budget": "a person's own budget may lie in another area; the points it pays for do not",
    "share_link": "a code and an offer; what came of it is counted without knowing of whom",
    "staff": "the name of who did something stands beside it in every area",
    "api_key": "given by a command alone, and met before anybody is signed in",
    "vault_key": "wrapped with a key that is not in the database; what it opens is behind the wall",
}  # fmt: skip

_SECURED = "select relname from pg_class where relnamespace = 'public'::regnamespace and relrowsecurity"
_ROLES = """
select w.name, r.oid is not null as there, coalesce(r.rolsuper or r.rolbypassrls, false) as strong,
  exists (select from pg_class c where c.relowner = r.oid) as owns,
  coalesce(pg_has_role(current_user, r.oid, 'member'), false) as taken,
  coalesce(pg_has_role(current_user, r.oid, 'usage'), false) as inherited
from unnest(cast(:roles as text[])) w(name) left join pg_roles r on r.rolname = w.name"""


def walled(metadata: MetaData) -> set[str]:
    """The tables that must have row-level security."""
    return {
        table.name
        for table in metadata.tables.values()
        if table.name not in OUTSIDE and not SCOPES.isdisjoint(table.columns.keys())
    }


def fallen(session: Session, tables: Iterable[str]) -> Iterator[str]:
    """Where the wall does not stand, in words; nothing when all is well."""
    for role in session.execute(text(_ROLES), {"roles": list(ROLES)}):
        if not role.there:
            yield f"there is no role {role.name}"
        elif role.strong or role.owns:
            yield f"{role.name} is above row-level security, or owns a table"
        elif not role.taken or role.inherited:
            yield f"{role.name} must be granted to the application's role, without inheritance"
    secured = set(session.scalars(text(_SECURED)))
    for table in sorted(set(tables) - secured):
        yield f"{table} has no row-level security"
