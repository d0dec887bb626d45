"""What each kind of principal may do. A route names one permission; without one the program does not start."""

PUBLIC = frozenset({"public"})
MEMBER = frozenset(
    {
        "wallet:own",
        "offers:read",
        "redemptions:own",
        "vouchers:own",
        "gifts:own",
        "groups:own",
        "earnings:estimate",
        "entitlements:own",
        "companions:own",
        "preferences:own",
    }
)
# What only a request that the till has signed may do.
SIGNED = frozenset(
    {"vouchers:check", "vouchers:accept", "acceptances:void", "earnings:give", "earnings:reverse"}
)
TERMINAL = SIGNED | {"acceptances:own"}
CLERK = TERMINAL | {"shifts:own"}
MANAGER = frozenset({"terminals:manage", "clerks:manage"})
# A merchant's people on the merchant's pages: an outlet manager for the own outlet, the others for all.
MERCHANT_ROLES: dict[str, frozenset[str]] = {
    "manager": MANAGER | {"merchant:read", "acceptances:merchant"},
    "finance": frozenset(
        {
            "merchant:read",
            "acceptances:merchant",
            "statements:merchant",
            "disputes:merchant",
            "invoices:merchant",
            "packs:own",
            "payouts:route",
        }
    ),
    "owner": MANAGER
    | {
        "merchant:read",
        "acceptances:merchant",
        "statements:merchant",
        "disputes:merchant",
        "invoices:merchant",
        "packs:own",
        "payouts:route",
        "outlets:manage",
        "documents:manage",
        "terms:confirm",
        "developer:manage",
        "webhooks:manage",  # those of the own merchant
    },
}

STAFF_ROLES: dict[str, frozenset[str]] = {
    "support": frozenset(
        {
            "console",
            "members:read",
            "offers:read",
            "approvals:read",
            "proposals:read",
            "adjustments:propose",
            "merges:propose",
            "goodwill:propose",
            "trial-cards:propose",
            "reversals:propose",
            "disputes:read",
            "disputes:handle",
            "vouchers:freeze",
            "tier-grants:propose",
            "care:assign",
            "earnings:estimate",
            "members:reveal",
            "erasures:propose",
            "segments:read",
            "goods:write",
            "merchants:read",
            "stock:read",
            "budgets:read",  # a person's own among them
            "events:manage",
        }
    ),
    "security": frozenset(
        {
            "console",
            "members:read",
            "members:reveal",
            "approvals:read",
            "proposals:read",
            "erasures:approve",
            "audit:read",
            "disputes:read",
            "vouchers:freeze",
            "till-alerts:read",
            "till-alerts:close",
        }
    ),
    "checker": frozenset(
        {
            "payouts:read",
            "payouts:approve",
            "write-offs:approve",
            "console",
            "members:read",
            "approvals:read",
            "proposals:read",
            "disputes:read",
            "adjustments:approve",
            "merges:approve",
            "extensions:approve",
            "entitlements:approve",
            "bonuses:approve",
            "goodwill:approve",
            "trial-cards:approve",
            "reversals:approve",
            "tier-policies:approve",
            "tier-grants:approve",
            "erasures:approve",
            "balances:approve",
            "rates:read",
            "rates:approve",
            "earn-rules:approve",
            "stock:read",
            "stock:approve",
            "budgets:read",
            "budgets:approve",
            "offers:approve",
            "offers:pause",
            "merchants:read",
            "merchant-reviews:approve",
            "terms:approve",
            "packs:approve",
            "merchant-adjustments:read",
            "merchant-adjustments:approve",
            "replays:run",
            "replays:read",
            "mix-targets:read",
            "mix-targets:approve",
        }
    ),
    "editor": frozenset(
        {
            "console",
            "offers:read",
            "rates:read",
            "rates:propose",
            "replays:run",
            "replays:read",
            "earn-rules:propose",
            "earnings:estimate",
            "proposals:read",  # those that are about no member
            "extensions:propose",
            "entitlements:propose",
            "bonuses:propose",
            "tier-policies:propose",
            "care:rules",
            "balances:propose",
            "stock:read",
            "stock:write",
            "budgets:read",
            "budgets:propose",
            "offers:propose",
            "offers:pause",
            "segments:read",
            "segments:write",
            "webhooks:manage",
            "merchants:read",
            "merchants:manage",
            "merchant-reviews:propose",
            "terms:propose",
            "packs:propose",
            "mix-targets:read",
            "mix-targets:propose",
        }
    ),
    "finance": frozenset(
        {
            "approvals:read",
            "proposals:read",
            "payouts:read",
            "payouts:propose",
            "payouts:approve",
            "payouts:hold",
            "payouts:files",
            "recoveries:manage",
            "write-offs:propose",
            "write-offs:approve",
            "console",
            "statements:read",
            "merchants:read",
            "offers:read",
            "rates:read",
            "replays:read",
            "earnings:estimate",
            "stock:read",
            "budgets:read",
            "budgets:approve",
            "figures:read",
            "books:read",
            "mix-targets:read",
            "mix-targets:approve",
            "merchant-adjustments:read",
            "merchant-adjustments:propose",
            "invoices:record",
            "trace:read",
        }
    ),
    "analyst": frozenset(
        {
            "console",
            "retention:read",
            "retention:run",
            "offers:read",
            "rates:read",
            "replays:run",
            "replays:read",
            "earnings:estimate",
            "segments:read",
            "figures:read",
            "mix-targets:read",
        }
    ),
    "auditor": frozenset(
        {
            "payouts:read",
            "console",
            "audit:read",
            "members:read",
            "disputes:read",
            "statements:read",
            "merchants:read",
            "till-alerts:read",
            "retention:read",
            "approvals:read",
            "proposals:read",
            "replays:read",
            "stock:read",
            "budgets:read",
            "figures:read",
            "books:read",
            "mix-targets:read",
            "merchant-adjustments:read",
            "trace:read",
        }
    ),
}
SERVICE_SCOPES = frozenset(
    {
        "members:read",
        "members:write",
        "offers:read",
        "wallet:any",
        "wallet:post",
        "wallet:issue",
        "statements:read",
        "payouts:read",
        "retention:read",
        "figures:read",
        "groups:manage",
        "lines:write",
        "bills:write",
        "entitlements:write",
        "bonuses:write",
        "notices:receipts",
        "events:manage",
        "perks:use",
        "segments:read",
        "segments:write",
        "webhooks:manage",
    }
)
# What a key for the members of one area may have; the others are about a whole programme.
AREA_SCOPES = frozenset({"members:read", "wallet:any", "lines:write", "entitlements:write", "offers:read"})


def staff_permissions(roles: frozenset[str]) -> frozenset[str]:
    """The union of what the roles allow; an unknown role allows nothing."""
    return frozenset().union(*(STAFF_ROLES.get(role, frozenset()) for role in roles))
