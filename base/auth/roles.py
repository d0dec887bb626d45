"""The roles of the operator's staff: what each may do where, which ones nobody holds together, who needs a second factor.

The broad roles of base/auth/permissions.py serve a small operator, one person for a whole column of work. Each narrow role
is a part of a broad one. A role reaches less in a smaller area (`LESS`), and some are given at headquarters alone (`GIVEN_AT`).
"""

from functools import cache

from base.auth.permissions import STAFF_ROLES as BROAD
from base.errors import Invalid

HQ, PROVINCE, CITY, COUNTY = "hq", "province", "city", "county"
LEVELS = {0: HQ, 2: PROVINCE, 4: CITY, 6: COUNTY}
EVERYWHERE = (HQ, PROVINCE, CITY, COUNTY)

_RULES = frozenset(
    {
        "rates:propose",
        "earn-rules:propose",
        "extensions:propose",
        "entitlements:propose",
        "bonuses:propose",
        "tier-policies:propose",
        "care:rules",
        "balances:propose",
        "mix-targets:propose",
        "terms:propose",
        "packs:propose",
    }
)
_CATALOGUE = frozenset(
    {
        "stock:write",
        "budgets:propose",
        "offers:propose",
        "offers:pause",
        "segments:write",
        "webhooks:manage",
        "merchants:manage",
        "merchant-reviews:propose",
        "notices:propose",
        "notices:test",
    }
)
_MONEY_MADE = frozenset(
    {
        "payouts:propose",
        "payouts:hold",
        "payouts:files",
        "recoveries:manage",
        "write-offs:propose",
        "merchant-adjustments:propose",
        "invoices:record",
        "halts:propose",
    }
)
_MONEY_CHECKED = frozenset(
    {"payouts:approve", "write-offs:approve", "budgets:approve", "mix-targets:approve", "halts:approve"}
)
_POINTS_BY_HAND = frozenset(
    {
        "adjustments:propose",
        "merges:propose",
        "goodwill:propose",
        "reversals:propose",
        "tier-grants:propose",
        "erasures:propose",
    }
)
_DISPUTES = frozenset({"disputes:handle", "vouchers:freeze"})

# Parts of the broad roles: (role, what of it stays away).
PARTS: dict[str, tuple[str, frozenset[str]]] = {
    "catalogue-editor": ("editor", _RULES | {"webhooks:manage"}),
    "rate-maker": ("editor", _CATALOGUE),
    "care-agent": ("support", _DISPUTES | {"care:assign", "erasures:propose", "events:manage"}),
    "account-manager": ("support", _DISPUTES | {"erasures:propose"}),
    "finance-maker": ("finance", _MONEY_CHECKED),
    "finance-checker": ("finance", _MONEY_MADE),
    "risk-officer": (
        "security",
        frozenset({"erasures:approve", "audit:read", "staff:read", "staff:approve", "maintenance:manage"}),
    ),
}
NARROW: dict[str, frozenset[str]] = {
    **{role: BROAD[of] - without for role, (of, without) in PARTS.items()},
    "dispute-owner": frozenset(
        {
            "console",
            "members:read",
            "merchants:read",
            "approvals:read",
            "proposals:read",
            "disputes:read",
            "disputes:handle",
            "vouchers:freeze",
            "reversals:propose",
            "tickets:read",
            "tickets:handle",
            "contacts:read",
            "contacts:write",
        }
    ),
    "privacy-officer": frozenset(
        {
            "console",
            "audit:read",
            "members:read",
            "approvals:read",
            "proposals:read",
            "erasures:approve",
            "staff:read",
        }
    ),
    # Staff, their sign-ins and settings; nothing of a member.
    "system-administrator": frozenset(
        {"console", "proposals:read", "staff:read", "staff:propose", "staff:end", "maintenance:manage"}
    ),
}
ROLES: dict[str, frozenset[str]] = BROAD | NARROW

GIVEN_AT: dict[str, tuple[str, ...]] = {
    "rate-maker": (HQ, PROVINCE),
    "checker": (HQ, PROVINCE, CITY),
    "care-agent": (PROVINCE, CITY, COUNTY),
    "account-manager": (PROVINCE, CITY, COUNTY),
    "finance": (HQ, PROVINCE, CITY),
    "finance-maker": (HQ, PROVINCE, CITY),
    "finance-checker": (HQ,),
    "auditor": (HQ, PROVINCE),
    "privacy-officer": (HQ, PROVINCE),
    "security": (HQ, PROVINCE),
    "system-administrator": (HQ,),
}  # the others: EVERYWHERE
_MONEY_MOVES = _MONEY_MADE | _MONEY_CHECKED
LESS: dict[tuple[str, str], frozenset[str]] = {
    ("catalogue-editor", COUNTY): frozenset({"offers:pause", "stock:write", "budgets:propose"}),
    ("care-agent", COUNTY): _POINTS_BY_HAND | {"members:reveal"},
    ("account-manager", COUNTY): _POINTS_BY_HAND,
    ("dispute-owner", COUNTY): _DISPUTES | {"reversals:propose"},
    ("finance-maker", PROVINCE): frozenset(
        {"payouts:propose", "payouts:files", "write-offs:propose", "recoveries:manage"}
    ),
    ("finance-maker", CITY): _MONEY_MOVES,
    ("analyst", COUNTY): frozenset({"retention:read", "retention:run", "replays:run", "replays:read"}),
    ("security", PROVINCE): frozenset({"maintenance:manage"}),
    ("risk-officer", COUNTY): frozenset({"vouchers:freeze", "till-alerts:close", "members:reveal"}),
}

# Of these nobody holds two: who gives access, who guards it, who looks whether both did right.
APART = (
    frozenset({"system-administrator"}),
    frozenset({"security", "risk-officer"}),
    frozenset({"auditor", "privacy-officer"}),
)
ONLY_LOOKS = frozenset({"auditor"})
# Whoever may do one of these signs in in two steps, as whoever approves anything.
GUARDED = frozenset({"staff:propose", "payouts:propose", "till-alerts:close", "halts:stop"})
MAKES = (":propose", ":approve", ":manage", ":write", ":handle", ":assign", ":hold", ":record")


class UnknownRoles(Invalid):
    """There are no such roles."""

    zh = "没有这些角色。"
    next_en, next_zh = "Choose roles of the list.", "请从列表中选择角色。"


class RolesInConflict(Invalid):
    """Nobody may hold these roles together."""

    zh = "这些角色不能由同一人担任。"
    next_en, next_zh = "Give one of them to another person.", "请将其中一个角色交给其他人员。"


class RoleNotGivenThere(Invalid):
    """This role is not given in an area of this size."""

    zh = "该角色不在这一级地区设置。"
    next_en, next_zh = "Choose another area or another role.", "请选择其他地区或其他角色。"


def level(area: str) -> str:
    """hq, province, city or county, by the code of an area."""
    return LEVELS[len(area)]


def checked(roles: list[str], area: str) -> list[str]:
    """The roles in order, once each; UnknownRoles, RolesInConflict, RoleNotGivenThere."""
    held = sorted(set(roles))
    unknown = [role for role in held if role not in ROLES]
    if unknown:
        raise UnknownRoles(f"unknown roles: {', '.join(unknown)}; known: {', '.join(sorted(ROLES))}")
    if (pair := conflict(frozenset(held))) is not None:
        raise RolesInConflict(roles=list(pair))
    for role in held:
        if level(area) not in GIVEN_AT.get(role, EVERYWHERE):
            raise RoleNotGivenThere(role=role, area=area, levels=list(GIVEN_AT[role]))
    return held


def conflict(roles: frozenset[str]) -> tuple[str, str] | None:
    """Two of these roles that no person holds together; None: there are none."""
    held = sorted(roles)
    for one in held:
        for other in held:
            if one < other and _apart(one, other):
                return one, other
    return None


def permissions_of(role: str, at_level: str) -> frozenset[str]:
    """What a role may do in an area of a size; nothing where it is unknown or not given."""
    if at_level not in GIVEN_AT.get(role, EVERYWHERE):
        return frozenset()
    return ROLES.get(role, frozenset()) - LESS.get((role, at_level), frozenset())


def staff_permissions(roles: frozenset[str], area: str = "") -> frozenset[str]:
    """The union of what the roles allow in an area."""
    return _allowed(roles, level(area))


def needs_second_factor(roles: frozenset[str]) -> bool:
    """Whether somebody with these roles approves, guards or gives access, and so signs in in two steps."""
    allowed = staff_permissions(roles)
    return any(one.endswith(":approve") for one in allowed) or not allowed.isdisjoint(GUARDED)


@cache
def _allowed(roles: frozenset[str], at_level: str) -> frozenset[str]:
    return frozenset().union(*(permissions_of(role, at_level) for role in roles))


def _apart(one: str, other: str) -> bool:
    groups = {number for role in (one, other) for number, group in enumerate(APART) if role in group}
    if len(groups) == 2:
        return True
    looks, makes = (one, other) if one in ONLY_LOOKS else (other, one)
    return looks in ONLY_LOOKS and any(name.endswith(MAKES) for name in ROLES[makes])
