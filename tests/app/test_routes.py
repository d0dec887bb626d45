"""Every route for everybody: what each permission opens, and to whom. A new route needs a row here, a row needs a route.

Each route is really called by each kind of principal; a page takes the cookie of its face, the API a bearer token.
"""

import re
import uuid
from dataclasses import dataclass, replace

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from base import clock, database, ids
from base.auth import guard
from base.auth.permissions import SERVICE_SCOPES, STAFF_ROLES
from base.config import Config
from merchants.terminals import clerks
from merchants.terminals import keys as terminal_keys
from points.models import Programme
from tests.given import (
    Shop,
    caller,
    clerk_token,
    given_colleague,
    given_member,
    given_programme,
    given_shop,
    member_token,
    merchant_token,
    service_key,
    staff_token,
)
from tests.tills import paired

# What may be asked for, and the permission that it needs.
ROUTES = {
    # about the product
    "GET /health/live": "public",
    "GET /health/ready": "public",
    "GET /openapi.json": "public",
    "GET /docs": "public",
    "GET /problems": "public",
    "GET /problems/<name>": "public",
    "GET /static/<path:filename>": "public",
    "GET /dev/outbox": "public",
    "GET /pictures/<name>": "public",
    # API: signing in
    "POST /v1/sign-ins/code": "public",
    "POST /v1/sign-ins": "public",
    "POST /v1/till/sign-ins": "public",
    "POST /v1/notices/check": "public",
    "POST /v1/staff/sign-ins": "public",
    # API: a member's own
    "GET /v1/members/me/wallet": "wallet:own",
    "GET /v1/members/me/postings": "wallet:own",
    "GET /v1/members/me/postings/<int:seq>/lots": "wallet:own",
    "GET /v1/members/me/statements/<month>": "wallet:own",
    "GET /v1/offers": "offers:read",
    "GET /v1/offers/<offer>": "offers:read",
    "POST /v1/quotes": "redemptions:own",
    "GET /v1/redemptions": "redemptions:own",
    "POST /v1/redemptions": "redemptions:own",
    "GET /v1/redemptions/<redemption>": "redemptions:own",
    "POST /v1/redemptions/<redemption>/cancel": "redemptions:own",
    "GET /v1/redemptions/<redemption>/seat": "redemptions:own",
    "POST /v1/redemptions/<redemption>/seat/confirm": "redemptions:own",
    "GET /v1/events/<offer>/seats": "events:manage",
    "POST /v1/events/<offer>/check-ins": "events:manage",
    "GET /v1/redemptions/<redemption>/payment": "redemptions:own",
    "POST /v1/stripe/events": "public",
    "GET /v1/vouchers": "vouchers:own",
    "GET /v1/vouchers/<voucher>": "vouchers:own",
    "POST /v1/perks/uses": "perks:use",
    "GET /v1/goods-orders/<redemption>": "members:read",
    "POST /v1/goods-orders/<redemption>/returned": "goods:write",
    "POST /v1/goods-orders/<redemption>/lost": "goods:write",
    "GET /v1/gifts": "gifts:own",
    "POST /v1/gifts": "gifts:own",
    "POST /v1/gifts/<gift>/undo": "gifts:own",
    "GET /v1/members/me/groups": "groups:own",
    "GET /v1/groups/<group>/wallet": "groups:own",
    "GET /v1/groups/<group>/postings": "groups:own",
    "POST /v1/earnings/estimate": "earnings:estimate",
    "GET /v1/members/me/entitlements": "entitlements:own",
    "GET /v1/members/me/entitlement-uses": "entitlements:own",
    "POST /v1/bonuses/estimate": "earnings:estimate",
    "GET /v1/members/me/companions": "companions:own",
    "POST /v1/members/me/companions": "companions:own",
    "POST /v1/members/me/companions/<link>/confirm": "companions:own",
    "POST /v1/members/me/companions/<link>/end": "companions:own",
    "GET /v1/members/me/preferences": "preferences:own",
    "POST /v1/members/me/preferences": "preferences:own",
    # API: the till
    "POST /v1/vouchers/check": "vouchers:check",
    "POST /v1/vouchers/release": "vouchers:check",
    "POST /v1/vouchers/accept": "vouchers:accept",
    "POST /v1/acceptances/<acceptance>/void": "acceptances:void",
    "POST /v1/earnings": "earnings:give",
    "POST /v1/earnings/<earning>/reverse": "earnings:reverse",
    # API: disputes
    "POST /v1/acceptances/<acceptance>/not-me": "vouchers:own",
    "GET /v1/disputes": "disputes:read",
    "GET /v1/disputes/<dispute>": "disputes:read",
    "POST /v1/disputes/<dispute>/take": "disputes:handle",
    "POST /v1/disputes/<dispute>/decide": "disputes:handle",
    "POST /v1/disputes/<dispute>/close": "disputes:handle",
    "POST /v1/vouchers/<voucher>/freeze": "vouchers:freeze",
    "POST /v1/vouchers/<voucher>/thaw": "vouchers:freeze",
    # API: a merchant's cash desks
    "GET /v1/merchant/desks": "developer:manage",
    "POST /v1/merchant/desks": "developer:manage",
    "GET /v1/merchant/desks/<desk>": "developer:manage",
    "POST /v1/merchant/desks/<desk>/keys": "developer:manage",
    "POST /v1/merchant/desks/<desk>/keys/<key>/end": "developer:manage",
    "POST /v1/merchant/desks/<desk>/revoke": "developer:manage",
    # API: the operator
    "POST /v1/members": "members:write",
    "POST /v1/members/search": "members:read",
    "GET /v1/members/<member>": "members:read",
    "POST /v1/members/<member>/phones": "members:write",
    "POST /v1/members/<member>/reveals": "members:reveal",
    "GET /v1/members/<member>/companions": "members:read",
    "POST /v1/members/<member>/preferences": "members:write",
    "GET /v1/view-log": "audit:read",
    "GET /v1/members/<member>/wallet": "wallet:any",
    "GET /v1/members/<member>/postings": "wallet:any",
    "POST /v1/members/<member>/operations": "wallet:post",
    "POST /v1/operations": "wallet:post",
    "GET /v1/members/<member>/postings/<int:seq>/lots": "wallet:any",
    "GET /v1/members/<member>/line-events": "members:read",
    "POST /v1/members/<member>/line-events": "lines:write",
    "GET /v1/members/<member>/statements/<month>": "wallet:any",
    "POST /v1/notices/receipts": "notices:receipts",
    "POST /v1/bill-lines": "bills:write",
    "POST /v1/bill-payments": "bills:write",
    "POST /v1/bill-corrections": "bills:write",
    "GET /v1/members/<member>/entitlements": "members:read",
    "GET /v1/members/<member>/entitlement-uses": "members:read",
    "POST /v1/entitlement-uses": "entitlements:write",
    "POST /v1/entitlement-uses/<use>/undo": "entitlements:write",
    "POST /v1/bonuses": "bonuses:write",
    "GET /v1/statements": "statements:read",
    "GET /v1/statements/<statement>": "statements:read",
    "GET /v1/statements/<statement>/files/<kind>": "statements:read",
    "GET /v1/statements/drafts": "statements:read",
    "GET /v1/statements/drafts/<last_day>": "statements:read",
    "GET /v1/retention": "retention:read",
    "GET /v1/retention/runs": "retention:read",
    "POST /v1/retention/runs": "retention:run",
    "GET /v1/retention/runs/<run>": "retention:read",
    "GET /v1/retention/tasks/<task>": "retention:read",
    "POST /v1/replays": "replays:run",
    "GET /v1/replays/<replay>": "replays:read",
    "GET /v1/members/<member>/attributes": "members:read",
    "POST /v1/members/<member>/attributes": "members:write",
    "GET /v1/segments": "segments:read",
    "POST /v1/segments": "segments:write",
    "POST /v1/segments/preview": "segments:read",
    "GET /v1/segments/<segment>": "segments:read",
    "GET /v1/segments/<segment>/members": "segments:read",
    "POST /v1/segments/<segment>/versions": "segments:write",
    "POST /v1/segments/<segment>/end": "segments:write",
    "GET /v1/groups": "groups:manage",
    "POST /v1/groups": "groups:manage",
    "GET /v1/groups/<group>": "groups:manage",
    "GET /v1/groups/<group>/contacts": "groups:manage",
    "POST /v1/groups/<group>/contacts": "groups:manage",
    "POST /v1/groups/<group>/contacts/<member>/end": "groups:manage",
    "POST /v1/groups/<group>/spenders": "groups:manage",
    "POST /v1/groups/<group>/spenders/<member>/end": "groups:manage",
    "GET /v1/stock": "stock:read",
    "GET /v1/stock/alerts": "stock:read",
    "GET /v1/stock/<offer>": "stock:read",
    "GET /v1/stock/<offer>/moves": "stock:read",
    "POST /v1/stock/<offer>/moves": "stock:write",
    "POST /v1/stock/<offer>/watch": "stock:write",
    "GET /v1/budgets": "budgets:read",
    "GET /v1/budgets/<budget>": "budgets:read",
    "GET /v1/webhooks/endpoints": "webhooks:manage",
    "POST /v1/webhooks/endpoints": "webhooks:manage",
    "GET /v1/webhooks/endpoints/<endpoint>": "webhooks:manage",
    "POST /v1/webhooks/endpoints/<endpoint>": "webhooks:manage",
    "POST /v1/webhooks/endpoints/<endpoint>/rotate": "webhooks:manage",
    "POST /v1/webhooks/endpoints/<endpoint>/pause": "webhooks:manage",
    "POST /v1/webhooks/endpoints/<endpoint>/resume": "webhooks:manage",
    "POST /v1/webhooks/endpoints/<endpoint>/end": "webhooks:manage",
    "POST /v1/webhooks/endpoints/<endpoint>/test": "webhooks:manage",
    "POST /v1/webhooks/endpoints/<endpoint>/replay": "webhooks:manage",
    "GET /v1/webhooks/deliveries": "webhooks:manage",
    "GET /v1/webhooks/deliveries/<delivery>": "webhooks:manage",
    "POST /v1/webhooks/deliveries/<delivery>/resend": "webhooks:manage",
    # API: what two persons decide
    "GET /v1/adjustments": "approvals:read",
    "POST /v1/adjustments": "adjustments:propose",
    "GET /v1/adjustments/<proposal>": "approvals:read",
    "POST /v1/adjustments/<proposal>/approve": "adjustments:approve",
    "POST /v1/adjustments/<proposal>/reject": "adjustments:approve",
    "POST /v1/adjustments/<proposal>/withdraw": "adjustments:propose",
    "GET /v1/merges": "approvals:read",
    "POST /v1/merges": "merges:propose",
    "GET /v1/merges/<proposal>": "approvals:read",
    "POST /v1/merges/<proposal>/approve": "merges:approve",
    "POST /v1/merges/<proposal>/reject": "merges:approve",
    "POST /v1/merges/<proposal>/withdraw": "merges:propose",
    "GET /v1/members/me/tiers": "wallet:own",
    "GET /v1/members/<member>/tiers": "members:read",
    "GET /v1/tier-policies": "proposals:read",
    "POST /v1/tier-policies": "tier-policies:propose",
    "GET /v1/tier-policies/<proposal>": "proposals:read",
    "POST /v1/tier-policies/<proposal>/approve": "tier-policies:approve",
    "POST /v1/tier-policies/<proposal>/reject": "tier-policies:approve",
    "POST /v1/tier-policies/<proposal>/withdraw": "tier-policies:propose",
    "GET /v1/tier-grants": "approvals:read",
    "POST /v1/tier-grants": "tier-grants:propose",
    "GET /v1/tier-grants/<proposal>": "approvals:read",
    "POST /v1/tier-grants/<proposal>/approve": "tier-grants:approve",
    "POST /v1/tier-grants/<proposal>/reject": "tier-grants:approve",
    "POST /v1/tier-grants/<proposal>/withdraw": "tier-grants:propose",
    "POST /v1/tier-grants/<proposal>/revoke": "tier-grants:propose",
    "GET /v1/members/<member>/care": "members:read",
    "POST /v1/members/<member>/care/manager": "care:assign",
    "POST /v1/care/rules": "care:rules",
    "GET /v1/care/without-person": "members:read",
    "GET /v1/extensions": "proposals:read",
    "POST /v1/extensions": "extensions:propose",
    "GET /v1/extensions/<proposal>": "proposals:read",
    "POST /v1/extensions/<proposal>/approve": "extensions:approve",
    "POST /v1/extensions/<proposal>/reject": "extensions:approve",
    "POST /v1/extensions/<proposal>/withdraw": "extensions:propose",
    "GET /v1/entitlements": "proposals:read",
    "POST /v1/entitlements": "entitlements:propose",
    "GET /v1/entitlements/<proposal>": "proposals:read",
    "POST /v1/entitlements/<proposal>/approve": "entitlements:approve",
    "POST /v1/entitlements/<proposal>/reject": "entitlements:approve",
    "POST /v1/entitlements/<proposal>/withdraw": "entitlements:propose",
    "GET /v1/bonus-rules": "proposals:read",
    "POST /v1/bonus-rules": "bonuses:propose",
    "GET /v1/bonus-rules/<proposal>": "proposals:read",
    "POST /v1/bonus-rules/<proposal>/approve": "bonuses:approve",
    "POST /v1/bonus-rules/<proposal>/reject": "bonuses:approve",
    "POST /v1/bonus-rules/<proposal>/withdraw": "bonuses:propose",
    "GET /v1/reversals": "approvals:read",
    "POST /v1/reversals": "reversals:propose",
    "GET /v1/reversals/<proposal>": "approvals:read",
    "POST /v1/reversals/<proposal>/approve": "reversals:approve",
    "POST /v1/reversals/<proposal>/reject": "reversals:approve",
    "POST /v1/reversals/<proposal>/withdraw": "reversals:propose",
    "GET /v1/goodwill": "approvals:read",
    "POST /v1/goodwill": "goodwill:propose",
    "GET /v1/goodwill/<proposal>": "approvals:read",
    "POST /v1/goodwill/<proposal>/approve": "goodwill:approve",
    "POST /v1/goodwill/<proposal>/reject": "goodwill:approve",
    "POST /v1/goodwill/<proposal>/withdraw": "goodwill:propose",
    "GET /v1/trial-cards": "approvals:read",
    "POST /v1/trial-cards": "trial-cards:propose",
    "GET /v1/trial-cards/<proposal>": "approvals:read",
    "POST /v1/trial-cards/<proposal>/approve": "trial-cards:approve",
    "POST /v1/trial-cards/<proposal>/reject": "trial-cards:approve",
    "POST /v1/trial-cards/<proposal>/withdraw": "trial-cards:propose",
    "POST /v1/trial-cards/<proposal>/result": "trial-cards:propose",
    "GET /v1/erasures": "approvals:read",
    "POST /v1/erasures": "erasures:propose",
    "GET /v1/erasures/<proposal>": "approvals:read",
    "POST /v1/erasures/<proposal>/approve": "erasures:approve",
    "POST /v1/erasures/<proposal>/reject": "erasures:approve",
    "POST /v1/erasures/<proposal>/withdraw": "erasures:propose",
    "GET /v1/opening-balances": "proposals:read",
    "GET /v1/opening-balances/<proposal>": "proposals:read",
    "POST /v1/opening-balances/<proposal>/approve": "balances:approve",
    "POST /v1/opening-balances/<proposal>/reject": "balances:approve",
    "POST /v1/opening-balances/<proposal>/withdraw": "balances:propose",
    "GET /v1/rates": "rates:read",
    "GET /v1/rates.csv": "rates:read",
    "GET /v1/rates/difference": "rates:read",
    "POST /v1/rates/<rate>/revert": "rates:propose",
    "GET /v1/rates/proposals": "proposals:read",
    "POST /v1/rates/proposals": "rates:propose",
    "GET /v1/rates/proposals/<proposal>": "proposals:read",
    "GET /v1/rates/proposals/<proposal>/difference": "proposals:read",
    "POST /v1/rates/proposals/<proposal>/approve": "rates:approve",
    "POST /v1/rates/proposals/<proposal>/reject": "rates:approve",
    "POST /v1/rates/proposals/<proposal>/withdraw": "rates:propose",
    "GET /v1/earn-rules": "rates:read",
    "GET /v1/earn-rules/proposals": "proposals:read",
    "POST /v1/earn-rules/proposals": "earn-rules:propose",
    "GET /v1/earn-rules/proposals/<proposal>": "proposals:read",
    "POST /v1/earn-rules/proposals/<proposal>/approve": "earn-rules:approve",
    "POST /v1/earn-rules/proposals/<proposal>/reject": "earn-rules:approve",
    "POST /v1/earn-rules/proposals/<proposal>/withdraw": "earn-rules:propose",
    "GET /v1/stock-corrections": "stock:read",
    "POST /v1/stock-corrections": "stock:write",
    "GET /v1/stock-corrections/<proposal>": "stock:read",
    "POST /v1/stock-corrections/<proposal>/approve": "stock:approve",
    "POST /v1/stock-corrections/<proposal>/reject": "stock:approve",
    "POST /v1/stock-corrections/<proposal>/withdraw": "stock:write",
    "GET /v1/analytics/premium": "figures:read",
    "GET /v1/analytics/mix": "figures:read",
    "GET /v1/analytics/liability": "figures:read",
    "GET /v1/analytics/roll-up": "figures:read",
    "GET /v1/books/<month>": "books:read",
    "GET /v1/mix-target-proposals": "mix-targets:read",
    "POST /v1/mix-target-proposals": "mix-targets:propose",
    "GET /v1/mix-target-proposals/<proposal>": "mix-targets:read",
    "POST /v1/mix-target-proposals/<proposal>/approve": "mix-targets:approve",
    "POST /v1/mix-target-proposals/<proposal>/reject": "mix-targets:approve",
    "POST /v1/mix-target-proposals/<proposal>/withdraw": "mix-targets:propose",
    "GET /v1/budget-proposals": "budgets:read",
    "POST /v1/budget-proposals": "budgets:propose",
    "GET /v1/budget-proposals/<proposal>": "budgets:read",
    "POST /v1/budget-proposals/<proposal>/approve": "budgets:approve",
    "POST /v1/budget-proposals/<proposal>/reject": "budgets:approve",
    "POST /v1/budget-proposals/<proposal>/withdraw": "budgets:propose",
    "POST /v1/budgets/<budget>/amounts": "budgets:propose",
    "GET /v1/offer-drafts": "proposals:read",
    "POST /v1/offer-drafts": "offers:propose",
    "GET /v1/offer-drafts/<draft>": "proposals:read",
    "POST /v1/offer-drafts/<draft>": "offers:propose",
    "POST /v1/offer-drafts/<draft>/propose": "offers:propose",
    "POST /v1/offer-drafts/<draft>/discard": "offers:propose",
    "GET /v1/offer-proposals": "proposals:read",
    "GET /v1/offer-proposals/<proposal>": "proposals:read",
    "POST /v1/offer-proposals/<proposal>/approve": "offers:approve",
    "POST /v1/offer-proposals/<proposal>/reject": "offers:approve",
    "POST /v1/offer-proposals/<proposal>/withdraw": "offers:propose",
    "GET /v1/offers/all": "proposals:read",
    "GET /v1/offers/<offer>/versions": "proposals:read",
    "POST /v1/offers/<offer>/pause": "offers:pause",
    "POST /v1/offers/<offer>/resume": "offers:pause",
    "POST /v1/offers/<offer>/end": "offers:pause",
    "GET /v1/offer-categories": "offers:read",
    "POST /v1/offer-pictures": "offers:propose",
    "GET /v1/proposals": "proposals:read",
    # the member's pages
    "GET /sign-in": "public",
    "POST /sign-in": "public",
    "POST /sign-in/again": "public",
    "GET /sign-in/code": "public",
    "POST /sign-in/code": "public",
    "POST /sign-out": "public",
    "GET /genuine": "public",
    "POST /genuine": "public",
    "GET /": "wallet:own",
    "GET /messages": "wallet:own",
    "POST /messages/language": "wallet:own",
    "GET /statements": "wallet:own",
    "GET /statements/<month>": "wallet:own",
    "GET /points": "wallet:own",
    "GET /points/<int:seq>": "wallet:own",
    "GET /groups/<group>": "groups:own",
    "GET /companions": "companions:own",
    "POST /companions": "companions:own",
    "POST /companions/<link>/confirm": "companions:own",
    "POST /companions/<link>/end": "companions:own",
    "GET /profile": "preferences:own",
    "POST /profile": "preferences:own",
    "GET /offers": "offers:read",
    "GET /offers/<offer>": "offers:read",
    "POST /quotes": "redemptions:own",
    "GET /quotes/<quote>": "redemptions:own",
    "GET /redemptions": "redemptions:own",
    "POST /redemptions": "redemptions:own",
    "GET /redemptions/<redemption>": "redemptions:own",
    "POST /redemptions/<redemption>/cancel": "redemptions:own",
    "GET /vouchers": "vouchers:own",
    "GET /vouchers/<voucher>": "vouchers:own",
    "GET /vouchers/<voucher>/changed": "vouchers:own",
    "GET /vouchers/<voucher>/pictures": "vouchers:own",
    "GET /acceptances/<acceptance>": "vouchers:own",
    "POST /acceptances/<acceptance>/not-me": "vouchers:own",
    # API: merchants and their people, tills paired and watched
    "GET /v1/acceptances/outcome": "vouchers:accept",
    "GET /v1/merchant": "merchant:read",
    "GET /v1/merchant-reviews": "merchants:read",
    "GET /v1/merchant-reviews/<proposal>": "merchants:read",
    "POST /v1/merchant-reviews/<proposal>/approve": "merchant-reviews:approve",
    "POST /v1/merchant-reviews/<proposal>/reject": "merchant-reviews:approve",
    "POST /v1/merchant-reviews/<proposal>/withdraw": "merchant-reviews:propose",
    "GET /v1/merchant/acceptances": "acceptances:merchant",
    "GET /v1/merchant/earnings": "acceptances:merchant",
    "GET /v1/merchant/packs": "packs:own",
    "POST /v1/merchant/documents": "documents:manage",
    "GET /v1/merchant/invitations": "clerks:manage",
    "POST /v1/merchant/invitations": "clerks:manage",
    "POST /v1/merchant/invitations/<invitation>/withdraw": "clerks:manage",
    "POST /v1/merchant/invitations/look": "public",
    "POST /v1/merchant/invitations/take-up": "public",
    "GET /v1/merchant/outlets": "merchant:read",
    "POST /v1/merchant/outlets": "outlets:manage",
    "POST /v1/merchant/outlets/<outlet>": "outlets:manage",
    "GET /v1/merchant/people": "clerks:manage",
    "POST /v1/merchant/people/<person>/end": "clerks:manage",
    "POST /v1/merchant/people/<person>/invitations": "clerks:manage",
    "POST /v1/merchant/people/<person>/role": "clerks:manage",
    "POST /v1/merchant/sign-ins": "public",
    "GET /v1/merchant/sums": "acceptances:merchant",
    "GET /v1/merchant/terminals": "terminals:manage",
    "POST /v1/merchant/terminals": "terminals:manage",
    "POST /v1/merchant/terminals/<terminal>/pairing-codes": "terminals:manage",
    "POST /v1/merchant/terminals/<terminal>/revoke": "terminals:manage",
    "GET /v1/merchant-adjustments": "merchant-adjustments:read",
    "GET /v1/merchant-adjustments/<proposal>": "merchant-adjustments:read",
    "GET /v1/merchant/acceptances/<acceptance>": "statements:merchant",
    "GET /v1/merchant/disputes": "disputes:merchant",
    "GET /v1/merchant/disputes/<dispute>": "disputes:merchant",
    "GET /v1/merchant/drafts": "statements:merchant",
    "GET /v1/merchant/money": "statements:merchant",
    "GET /v1/merchant/statements": "statements:merchant",
    "GET /v1/merchant/statements/<statement>": "statements:merchant",
    "GET /v1/merchant/statements/<statement>/files/<kind>": "statements:merchant",
    "GET /v1/merchant/statements/<statement>/invoices": "invoices:merchant",
    "GET /v1/statements/<statement>/invoices": "statements:read",
    "GET /v1/trace/<id>": "trace:read",
    "POST /v1/invoices/<invoice>/reject": "invoices:record",
    "POST /v1/merchant-adjustments": "merchant-adjustments:propose",
    "POST /v1/merchant-adjustments/<proposal>/approve": "merchant-adjustments:approve",
    "POST /v1/merchant-adjustments/<proposal>/reject": "merchant-adjustments:approve",
    "POST /v1/merchant-adjustments/<proposal>/withdraw": "merchant-adjustments:propose",
    "POST /v1/merchant/disputes": "disputes:merchant",
    "POST /v1/merchant/invoices/<invoice>/reject": "invoices:merchant",
    "POST /v1/merchant/statements/<statement>/invoices": "invoices:merchant",
    "POST /v1/statements/<statement>/invoices": "invoices:record",
    "GET /v1/merchant/terms": "merchant:read",
    "POST /v1/merchant/terms/<terms>/confirm": "terms:confirm",
    "GET /v1/merchants": "merchants:read",
    "POST /v1/merchants": "merchants:manage",
    "GET /v1/merchants/<merchant>": "merchants:read",
    "POST /v1/merchants/<merchant>/documents": "merchants:manage",
    "POST /v1/merchants/<merchant>/hand-over": "merchants:manage",
    "GET /v1/merchants/<merchant>/outlets": "merchants:read",
    "POST /v1/merchants/<merchant>/outlets": "merchants:manage",
    "POST /v1/merchants/<merchant>/owner-invitations": "merchants:manage",
    "POST /v1/merchants/<merchant>/reviews": "merchant-reviews:propose",
    "POST /v1/merchants/<merchant>/steps": "merchants:manage",
    "GET /v1/merchants/<merchant>/terms": "merchants:read",
    "GET /v1/merchants/<merchant>/packs": "merchants:read",
    "GET /v1/pack-proposals": "merchants:read",
    "POST /v1/pack-proposals": "packs:propose",
    "GET /v1/pack-proposals/<proposal>": "merchants:read",
    "POST /v1/pack-proposals/<proposal>/approve": "packs:approve",
    "POST /v1/pack-proposals/<proposal>/reject": "packs:approve",
    "POST /v1/pack-proposals/<proposal>/withdraw": "packs:propose",
    "POST /v1/outlets/<outlet>": "merchants:manage",
    "POST /v1/terminals/pairings": "public",
    "GET /v1/terms-proposals": "merchants:read",
    "POST /v1/terms-proposals": "terms:propose",
    "GET /v1/terms-proposals/<proposal>": "merchants:read",
    "POST /v1/terms-proposals/<proposal>/approve": "terms:approve",
    "POST /v1/terms-proposals/<proposal>/reject": "terms:approve",
    "POST /v1/terms-proposals/<proposal>/withdraw": "terms:propose",
    "GET /v1/till-alerts": "till-alerts:read",
    "GET /v1/till-alerts/<alert>": "till-alerts:read",
    "POST /v1/till-alerts/<alert>/close": "till-alerts:close",
    "GET /v1/till/shift": "shifts:own",
    "POST /v1/till/shift/close": "shifts:own",
    # API: payouts, where they go, what merchants owe
    "GET /v1/payouts": "payouts:read",
    "GET /v1/payouts/<statement>": "payouts:read",
    "POST /v1/payouts/<statement>/stop": "payouts:hold",
    "POST /v1/payouts/<statement>/let-go": "payouts:hold",
    "GET /v1/merchant/payouts": "statements:merchant",
    "GET /v1/payout-run-proposals": "payouts:read",
    "POST /v1/payout-run-proposals": "payouts:propose",
    "GET /v1/payout-run-proposals/<proposal>": "payouts:read",
    "POST /v1/payout-run-proposals/<proposal>/approve": "payouts:approve",
    "POST /v1/payout-run-proposals/<proposal>/reject": "payouts:approve",
    "POST /v1/payout-run-proposals/<proposal>/withdraw": "payouts:propose",
    "GET /v1/payout-release-proposals": "payouts:read",
    "POST /v1/payout-release-proposals": "payouts:propose",
    "GET /v1/payout-release-proposals/<proposal>": "payouts:read",
    "POST /v1/payout-release-proposals/<proposal>/approve": "payouts:approve",
    "POST /v1/payout-release-proposals/<proposal>/reject": "payouts:approve",
    "POST /v1/payout-release-proposals/<proposal>/withdraw": "payouts:propose",
    "GET /v1/payout-runs": "payouts:read",
    "GET /v1/payout-runs/<run>/file": "payouts:files",
    "GET /v1/bank-returns": "payouts:read",
    "POST /v1/bank-returns": "payouts:files",
    "POST /v1/stripe/connect-events": "public",
    "GET /v1/merchant/payout-routes": "statements:merchant",
    "GET /v1/merchants/<merchant>/payout-routes": "payouts:read",
    "POST /v1/merchant/payout-route-changes": "payouts:route",
    "POST /v1/merchant/payout-route-changes/<change>/confirm": "payouts:route",
    "POST /v1/merchant/stripe-account": "payouts:route",
    "GET /v1/merchant/stripe-account": "statements:merchant",
    "GET /v1/merchant/stripe-account/link": "payouts:route",
    "GET /v1/merchants/<merchant>/recoveries": "payouts:read",
    "POST /v1/merchants/<merchant>/recoveries": "recoveries:manage",
    "POST /v1/recoveries/<recovery>/paid": "recoveries:manage",
    "GET /v1/write-off-proposals": "payouts:read",
    "POST /v1/write-off-proposals": "write-offs:propose",
    "GET /v1/write-off-proposals/<proposal>": "payouts:read",
    "POST /v1/write-off-proposals/<proposal>/approve": "write-offs:approve",
    "POST /v1/write-off-proposals/<proposal>/reject": "write-offs:approve",
    "POST /v1/write-off-proposals/<proposal>/withdraw": "write-offs:propose",
    # the merchant's pages, and what a manager does at the till
    "GET /merchant": "acceptances:merchant",
    "POST /merchant/documents": "documents:manage",
    "GET /merchant/invitation": "public",
    "GET /merchant/invitation/look": "public",
    "POST /merchant/invitation/look": "public",
    "GET /merchant/invitation/take-up": "public",
    "POST /merchant/invitation/take-up": "public",
    "GET /merchant/invitations": "clerks:manage",
    "POST /merchant/invitations": "clerks:manage",
    "POST /merchant/invitations/<invitation>/withdraw": "clerks:manage",
    "GET /merchant/joining": "merchant:read",
    "GET /merchant/outlets": "merchant:read",
    "POST /merchant/outlets": "outlets:manage",
    "GET /merchant/outlets/<outlet>": "outlets:manage",
    "POST /merchant/outlets/<outlet>": "outlets:manage",
    "GET /merchant/outlets/new": "outlets:manage",
    "GET /merchant/people": "clerks:manage",
    "POST /merchant/people/<person>/end": "clerks:manage",
    "GET /merchant/people/<person>/renew": "clerks:manage",
    "POST /merchant/people/<person>/renew": "clerks:manage",
    "GET /merchant/people/<person>/role": "clerks:manage",
    "POST /merchant/people/<person>/role": "clerks:manage",
    "GET /merchant/sign-in": "public",
    "POST /merchant/sign-in": "public",
    "POST /merchant/sign-out": "public",
    "GET /merchant/terminals": "terminals:manage",
    "POST /merchant/terminals": "terminals:manage",
    "GET /merchant/terminals/<terminal>": "terminals:manage",
    "GET /merchant/terminals/<terminal>/pairing": "terminals:manage",
    "POST /merchant/terminals/<terminal>/pairing": "terminals:manage",
    "POST /merchant/terminals/<terminal>/revoke": "terminals:manage",
    "GET /merchant/terms": "merchant:read",
    "POST /merchant/terms/<terms>/confirm": "terms:confirm",
    "GET /merchant/points": "acceptances:merchant",
    "GET /till/manage/invitations": "clerks:manage",
    "POST /till/manage/invitations": "clerks:manage",
    "POST /till/manage/invitations/<invitation>/withdraw": "clerks:manage",
    "GET /till/manage/people": "clerks:manage",
    "POST /till/manage/people/<person>/end": "clerks:manage",
    "GET /till/manage/people/<person>/renew": "clerks:manage",
    "POST /till/manage/people/<person>/renew": "clerks:manage",
    "GET /till/manage/people/<person>/role": "clerks:manage",
    "POST /till/manage/people/<person>/role": "clerks:manage",
    "GET /till/manage/terminals": "terminals:manage",
    "POST /till/manage/terminals": "terminals:manage",
    "GET /till/manage/terminals/<terminal>": "terminals:manage",
    "GET /till/manage/terminals/<terminal>/pairing": "terminals:manage",
    "POST /till/manage/terminals/<terminal>/pairing": "terminals:manage",
    "POST /till/manage/terminals/<terminal>/revoke": "terminals:manage",
    # the till's pages
    "GET /till/sign-in": "public",
    "POST /till/sign-in": "public",
    "GET /till/pair": "public",
    "GET /till/offline": "public",
    "GET /till/manifest.webmanifest": "public",
    "GET /till/worker.js": "public",
    "GET /till": "acceptances:own",
    "GET /till/check": "acceptances:own",
    "POST /till/check": "vouchers:check",
    "POST /till/release": "vouchers:check",
    "POST /till/accept": "vouchers:accept",
    "POST /till/void": "acceptances:void",
    "GET /till/points": "acceptances:own",
    "POST /till/points": "earnings:give",
    "GET /till/points/<earning>": "acceptances:own",
    "POST /till/points/undo": "earnings:reverse",
    "GET /till/today": "acceptances:own",
    "GET /till/acceptances/<acceptance>": "acceptances:own",
    # the merchant's pages: developers
    "GET /merchant/acceptances/<acceptance>": "statements:merchant",
    "GET /merchant/disputes": "disputes:merchant",
    "GET /merchant/disputes/<dispute>": "disputes:merchant",
    "GET /merchant/drafts/<last_day>": "statements:merchant",
    "GET /merchant/statements": "statements:merchant",
    "GET /merchant/statements/<statement>": "statements:merchant",
    "GET /merchant/statements/<statement>/files/<kind>": "statements:merchant",
    "GET /merchant/statements/<statement>/invoices": "invoices:merchant",
    "POST /merchant/acceptances/<acceptance>/dispute": "disputes:merchant",
    "POST /merchant/statements/<statement>/invoices": "invoices:merchant",
    "POST /merchant/statements/<statement>/invoices/<invoice>/reject": "invoices:merchant",
    "GET /merchant/developers": "developer:manage",
    "POST /merchant/developers/desks": "developer:manage",
    "GET /merchant/developers/desks/<desk>": "developer:manage",
    "POST /merchant/developers/desks/<desk>/keys": "developer:manage",
    "POST /merchant/developers/desks/<desk>/keys/<key>/end": "developer:manage",
    "POST /merchant/developers/desks/<desk>/revoke": "developer:manage",
    "GET /merchant/developers/samples/<name>": "developer:manage",
    "GET /merchant/developers/webhooks": "webhooks:manage",
    "POST /merchant/developers/webhooks": "webhooks:manage",
    "GET /merchant/developers/webhooks/<receiver>": "webhooks:manage",
    "POST /merchant/developers/webhooks/<receiver>/<deed>": "webhooks:manage",
    "GET /merchant/developers/deliveries/<delivery>": "webhooks:manage",
    "POST /merchant/developers/deliveries/<delivery>/resend": "webhooks:manage",
    "GET /till/acceptances/<acceptance>/receipt": "acceptances:own",
    "GET /till/outcome": "acceptances:own",
    "GET /till/shift": "shifts:own",
    "POST /till/shift/close": "shifts:own",
    # the console
    "GET /staff/sign-in": "public",
    "POST /staff/sign-in": "public",
    "POST /staff/sign-out": "public",
    "GET /staff": "console",
    "GET /staff/jobs": "console",
    "GET /staff/merchant-adjustments/<proposal>": "merchant-adjustments:read",
    "GET /staff/merchants/<merchant>/adjust": "merchant-adjustments:propose",
    "GET /staff/payout-releases/<proposal>": "payouts:read",
    "GET /staff/payout-runs/<proposal>": "payouts:read",
    "GET /staff/payouts": "payouts:read",
    "GET /staff/payouts/<statement>": "payouts:read",
    "GET /staff/payouts/runs/<run>/file": "payouts:files",
    "GET /staff/statements/<statement>/files/<kind>": "statements:read",
    "GET /staff/statements/<statement>/invoices": "statements:read",
    "GET /staff/trace": "trace:read",
    "GET /staff/write-offs/<proposal>": "payouts:read",
    "POST /staff/merchant-adjustments/<proposal>/approve": "merchant-adjustments:approve",
    "POST /staff/merchant-adjustments/<proposal>/reject": "merchant-adjustments:approve",
    "POST /staff/merchant-adjustments/<proposal>/withdraw": "merchant-adjustments:propose",
    "POST /staff/merchants/<merchant>/adjust": "merchant-adjustments:propose",
    "POST /staff/payout-releases/<proposal>/approve": "payouts:approve",
    "POST /staff/payout-releases/<proposal>/reject": "payouts:approve",
    "POST /staff/payout-releases/<proposal>/withdraw": "payouts:propose",
    "POST /staff/payout-runs/<proposal>/approve": "payouts:approve",
    "POST /staff/payout-runs/<proposal>/reject": "payouts:approve",
    "POST /staff/payout-runs/<proposal>/withdraw": "payouts:propose",
    "POST /staff/payouts/<statement>/let-go": "payouts:hold",
    "POST /staff/payouts/<statement>/release": "payouts:propose",
    "POST /staff/payouts/<statement>/stop": "payouts:hold",
    "POST /staff/payouts/runs": "payouts:propose",
    "POST /staff/statements/<statement>/invoices": "invoices:record",
    "POST /staff/statements/<statement>/invoices/<invoice>/reject": "invoices:record",
    "POST /staff/write-offs/<proposal>/approve": "write-offs:approve",
    "POST /staff/write-offs/<proposal>/reject": "write-offs:approve",
    "POST /staff/write-offs/<proposal>/withdraw": "write-offs:propose",
    "GET /staff/disputes": "disputes:read",
    "GET /staff/disputes/<dispute>": "disputes:read",
    "POST /staff/disputes/<dispute>/take": "disputes:handle",
    "POST /staff/disputes/<dispute>/decide": "disputes:handle",
    "POST /staff/disputes/<dispute>/close": "disputes:handle",
    "GET /staff/members": "members:read",
    "GET /staff/members/<member>": "members:read",
    "GET /staff/members/<member>/adjust": "adjustments:propose",
    "POST /staff/members/<member>/adjust": "adjustments:propose",
    "GET /staff/members/<member>/reveal": "members:reveal",
    "POST /staff/members/<member>/reveal": "members:reveal",
    "GET /staff/view-log": "audit:read",
    "GET /staff/approvals": "proposals:read",
    "GET /staff/erasures/<proposal>": "approvals:read",
    "POST /staff/erasures/<proposal>/approve": "erasures:approve",
    "POST /staff/erasures/<proposal>/reject": "erasures:approve",
    "POST /staff/erasures/<proposal>/withdraw": "erasures:propose",
    "GET /staff/adjustments/<proposal>": "approvals:read",
    "POST /staff/adjustments/<proposal>/approve": "adjustments:approve",
    "POST /staff/adjustments/<proposal>/reject": "adjustments:approve",
    "POST /staff/adjustments/<proposal>/withdraw": "adjustments:propose",
    "GET /staff/merges/<proposal>": "approvals:read",
    "POST /staff/merges/<proposal>/approve": "merges:approve",
    "POST /staff/merges/<proposal>/reject": "merges:approve",
    "POST /staff/merges/<proposal>/withdraw": "merges:propose",
    "GET /staff/tier-policies/<proposal>": "proposals:read",
    "POST /staff/tier-policies/<proposal>/approve": "tier-policies:approve",
    "POST /staff/tier-policies/<proposal>/reject": "tier-policies:approve",
    "POST /staff/tier-policies/<proposal>/withdraw": "tier-policies:propose",
    "GET /staff/tier-grants/<proposal>": "approvals:read",
    "POST /staff/tier-grants/<proposal>/approve": "tier-grants:approve",
    "POST /staff/tier-grants/<proposal>/reject": "tier-grants:approve",
    "POST /staff/tier-grants/<proposal>/withdraw": "tier-grants:propose",
    "POST /staff/members/<member>/care": "care:assign",
    "GET /staff/extensions/<proposal>": "proposals:read",
    "GET /staff/entitlements/<proposal>": "proposals:read",
    "POST /staff/extensions/<proposal>/approve": "extensions:approve",
    "POST /staff/entitlements/<proposal>/approve": "entitlements:approve",
    "POST /staff/extensions/<proposal>/reject": "extensions:approve",
    "POST /staff/entitlements/<proposal>/reject": "entitlements:approve",
    "POST /staff/extensions/<proposal>/withdraw": "extensions:propose",
    "POST /staff/entitlements/<proposal>/withdraw": "entitlements:propose",
    "GET /staff/bonus-rules/<proposal>": "proposals:read",
    "POST /staff/bonus-rules/<proposal>/approve": "bonuses:approve",
    "POST /staff/bonus-rules/<proposal>/reject": "bonuses:approve",
    "POST /staff/bonus-rules/<proposal>/withdraw": "bonuses:propose",
    "GET /staff/reversals/<proposal>": "approvals:read",
    "POST /staff/reversals/<proposal>/approve": "reversals:approve",
    "POST /staff/reversals/<proposal>/reject": "reversals:approve",
    "POST /staff/reversals/<proposal>/withdraw": "reversals:propose",
    "GET /staff/goodwill/<proposal>": "approvals:read",
    "POST /staff/goodwill/<proposal>/approve": "goodwill:approve",
    "POST /staff/goodwill/<proposal>/reject": "goodwill:approve",
    "POST /staff/goodwill/<proposal>/withdraw": "goodwill:propose",
    "GET /staff/trial-cards/<proposal>": "approvals:read",
    "POST /staff/trial-cards/<proposal>/approve": "trial-cards:approve",
    "POST /staff/trial-cards/<proposal>/reject": "trial-cards:approve",
    "POST /staff/trial-cards/<proposal>/withdraw": "trial-cards:propose",
    "GET /staff/opening-balances/<proposal>": "proposals:read",
    "POST /staff/opening-balances/<proposal>/approve": "balances:approve",
    "POST /staff/opening-balances/<proposal>/reject": "balances:approve",
    "POST /staff/opening-balances/<proposal>/withdraw": "balances:propose",
    "GET /staff/rate-proposals/<proposal>": "proposals:read",
    "POST /staff/rate-proposals/<proposal>/approve": "rates:approve",
    "POST /staff/rate-proposals/<proposal>/reject": "rates:approve",
    "POST /staff/rate-proposals/<proposal>/withdraw": "rates:propose",
    "GET /staff/earn-rule-proposals/<proposal>": "proposals:read",
    "POST /staff/earn-rule-proposals/<proposal>/approve": "earn-rules:approve",
    "POST /staff/earn-rule-proposals/<proposal>/reject": "earn-rules:approve",
    "POST /staff/earn-rule-proposals/<proposal>/withdraw": "earn-rules:propose",
    "GET /staff/stock-corrections/<proposal>": "stock:read",
    "POST /staff/stock-corrections/<proposal>/approve": "stock:approve",
    "POST /staff/stock-corrections/<proposal>/reject": "stock:approve",
    "POST /staff/stock-corrections/<proposal>/withdraw": "stock:write",
    "GET /staff/mix-target-proposals/<proposal>": "mix-targets:read",
    "POST /staff/mix-target-proposals/<proposal>/approve": "mix-targets:approve",
    "POST /staff/mix-target-proposals/<proposal>/reject": "mix-targets:approve",
    "POST /staff/mix-target-proposals/<proposal>/withdraw": "mix-targets:propose",
    "GET /staff/budget-proposals/<proposal>": "budgets:read",
    "POST /staff/budget-proposals/<proposal>/approve": "budgets:approve",
    "POST /staff/budget-proposals/<proposal>/reject": "budgets:approve",
    "POST /staff/budget-proposals/<proposal>/withdraw": "budgets:propose",
    "GET /staff/offer-proposals/<proposal>": "proposals:read",
    "POST /staff/offer-proposals/<proposal>/approve": "offers:approve",
    "POST /staff/offer-proposals/<proposal>/reject": "offers:approve",
    "POST /staff/offer-proposals/<proposal>/withdraw": "offers:propose",
    "GET /staff/segments": "segments:read",
    "GET /staff/segments/draft": "segments:read",
    "GET /staff/segments/<segment>": "segments:read",
    "GET /staff/merchants": "merchants:read",
    "GET /staff/offers": "offers:read",
    "GET /staff/rates": "rates:read",
    "GET /staff/retention": "retention:read",
    "GET /staff/retention/curves": "retention:read",
    "GET /staff/retention/kinds": "retention:read",
    "GET /staff/retention/study": "retention:read",
    "GET /staff/retention/trust": "retention:read",
    "GET /staff/retention/runs": "retention:read",
    "POST /staff/retention/runs": "retention:run",
    "GET /staff/retention/runs/<run>": "retention:read",
    "GET /staff/books": "books:read",
    "GET /staff/books/breakage": "books:read",
    "GET /staff/worth/mix": "figures:read",
    "GET /staff/worth/premium": "figures:read",
    "GET /staff/worth/liability": "figures:read",
    "GET /staff/worth/areas": "figures:read",
    "GET /staff/worth/reports/<period>": "figures:read",
    "GET /staff/worth/runs/<run>": "figures:read",
    "POST /staff/replays": "replays:run",
    "GET /staff/replays/<replay>": "replays:read",
    "GET /staff/statements": "statements:read",
    "GET /staff/statements/<statement>": "statements:read",
    "GET /staff/merchant-reviews/<proposal>": "merchants:read",
    "POST /staff/merchant-reviews/<proposal>/approve": "merchant-reviews:approve",
    "POST /staff/merchant-reviews/<proposal>/reject": "merchant-reviews:approve",
    "POST /staff/merchant-reviews/<proposal>/withdraw": "merchant-reviews:propose",
    "POST /staff/merchants": "merchants:manage",
    "GET /staff/merchants/<merchant>": "merchants:read",
    "POST /staff/merchants/<merchant>/hand-over": "merchants:manage",
    "GET /staff/merchants/<merchant>/owner-invitations": "merchants:manage",
    "POST /staff/merchants/<merchant>/owner-invitations": "merchants:manage",
    "POST /staff/merchants/<merchant>/reviews": "merchant-reviews:propose",
    "POST /staff/merchants/<merchant>/steps": "merchants:manage",
    "POST /staff/merchants/<merchant>/terms": "terms:propose",
    "GET /staff/merchants/<merchant>/terms/new": "terms:propose",
    "POST /staff/merchants/<merchant>/packs": "packs:propose",
    "GET /staff/merchants/<merchant>/packs/new": "packs:propose",
    "GET /staff/pack-proposals/<proposal>": "merchants:read",
    "POST /staff/pack-proposals/<proposal>/approve": "packs:approve",
    "POST /staff/pack-proposals/<proposal>/reject": "packs:approve",
    "POST /staff/pack-proposals/<proposal>/withdraw": "packs:propose",
    "GET /staff/merchants/new": "merchants:manage",
    "GET /staff/terms-proposals/<proposal>": "merchants:read",
    "POST /staff/terms-proposals/<proposal>/approve": "terms:approve",
    "POST /staff/terms-proposals/<proposal>/reject": "terms:approve",
    "POST /staff/terms-proposals/<proposal>/withdraw": "terms:propose",
    "GET /staff/till-alerts": "till-alerts:read",
    "GET /staff/till-alerts/<alert>": "till-alerts:read",
    "POST /staff/till-alerts/<alert>": "till-alerts:close",
}
STAFF = tuple(
    f"staff:{role}" for role in ("support", "checker", "editor", "finance", "analyst", "auditor", "security")
)
SERVICES = (
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
    "bonuses:write",
    "entitlements:write",
    "notices:receipts",
    "segments:read",
    "segments:write",
    "events:manage",
    "perks:use",
    "webhooks:manage",
)
MERCHANT = ("merchant:manager", "merchant:finance", "merchant:owner")
EVERYBODY = (
    "anonymous",
    "member",
    "clerk",
    "manager",
    *MERCHANT,
    *STAFF,
    "service:",
    *(f"service:{s}" for s in SERVICES),
)

# To whom each permission is given; nobody else has it.
GIVEN_TO = {
    "public": EVERYBODY,
    "wallet:own": ("member",),
    "redemptions:own": ("member",),
    "vouchers:own": ("member",),
    "gifts:own": ("member",),
    "groups:own": ("member",),
    "groups:manage": ("service:groups:manage",),
    "events:manage": ("staff:support", "service:events:manage"),
    "earnings:estimate": ("member", "staff:support", "staff:editor", "staff:finance", "staff:analyst"),
    "offers:read": (
        "member",
        "staff:support",
        "staff:editor",
        "staff:finance",
        "staff:analyst",
        "service:offers:read",
    ),
    "vouchers:check": ("clerk", "manager"),
    "vouchers:accept": ("clerk", "manager"),
    "acceptances:void": ("clerk", "manager"),
    "earnings:give": ("clerk", "manager"),
    "earnings:reverse": ("clerk", "manager"),
    "packs:own": ("merchant:finance", "merchant:owner"),
    "packs:propose": ("staff:editor",),
    "packs:approve": ("staff:checker",),
    "acceptances:own": ("clerk", "manager"),
    "shifts:own": ("clerk", "manager"),
    "terminals:manage": ("manager", "merchant:manager", "merchant:owner"),
    "clerks:manage": ("manager", "merchant:manager", "merchant:owner"),
    "merchant:read": MERCHANT,
    "acceptances:merchant": MERCHANT,
    "outlets:manage": ("merchant:owner",),
    "documents:manage": ("merchant:owner",),
    "terms:confirm": ("merchant:owner",),
    "merchants:read": ("staff:support", "staff:checker", "staff:editor", "staff:finance", "staff:auditor"),
    "merchants:manage": ("staff:editor",),
    "merchant-reviews:propose": ("staff:editor",),
    "merchant-reviews:approve": ("staff:checker",),
    "terms:propose": ("staff:editor",),
    "terms:approve": ("staff:checker",),
    "till-alerts:read": ("staff:auditor", "staff:security"),
    "till-alerts:close": ("staff:security",),
    "console": STAFF,
    "members:read": (
        "staff:support",
        "staff:checker",
        "staff:auditor",
        "staff:security",
        "service:members:read",
    ),
    "members:write": ("service:members:write",),
    "members:reveal": ("staff:support", "staff:security"),
    "audit:read": ("staff:auditor", "staff:security"),
    "companions:own": ("member",),
    "preferences:own": ("member",),
    "erasures:propose": ("staff:support",),
    "erasures:approve": ("staff:checker", "staff:security"),
    "approvals:read": (
        "staff:support",
        "staff:checker",
        "staff:finance",
        "staff:auditor",
        "staff:security",
    ),
    "payouts:read": ("staff:checker", "staff:finance", "staff:auditor", "service:payouts:read"),
    "payouts:propose": ("staff:finance",),
    "payouts:approve": ("staff:checker", "staff:finance"),
    "payouts:hold": ("staff:finance",),
    "payouts:files": ("staff:finance",),
    "statements:merchant": ("merchant:finance", "merchant:owner"),
    "disputes:merchant": ("merchant:finance", "merchant:owner"),
    "invoices:merchant": ("merchant:finance", "merchant:owner"),
    "invoices:record": ("staff:finance",),
    "merchant-adjustments:read": ("staff:finance", "staff:checker", "staff:auditor"),
    "merchant-adjustments:propose": ("staff:finance",),
    "merchant-adjustments:approve": ("staff:checker",),
    "trace:read": ("staff:finance", "staff:auditor"),
    "payouts:route": ("merchant:finance", "merchant:owner"),
    "recoveries:manage": ("staff:finance",),
    "write-offs:propose": ("staff:finance",),
    "write-offs:approve": ("staff:checker", "staff:finance"),
    "proposals:read": (
        "staff:support",
        "staff:checker",
        "staff:editor",
        "staff:finance",
        "staff:auditor",
        "staff:finance",
        "staff:security",
    ),
    "adjustments:propose": ("staff:support",),
    "adjustments:approve": ("staff:checker",),
    "merges:propose": ("staff:support",),
    "goods:write": ("staff:support",),
    "merges:approve": ("staff:checker",),
    "tier-policies:propose": ("staff:editor",),
    "tier-policies:approve": ("staff:checker",),
    "tier-grants:propose": ("staff:support",),
    "tier-grants:approve": ("staff:checker",),
    "care:assign": ("staff:support",),
    "care:rules": ("staff:editor",),
    "extensions:propose": ("staff:editor",),
    "extensions:approve": ("staff:checker",),
    "entitlements:own": ("member",),
    "entitlements:write": ("service:entitlements:write",),
    "entitlements:propose": ("staff:editor",),
    "entitlements:approve": ("staff:checker",),
    "bonuses:propose": ("staff:editor",),
    "bonuses:approve": ("staff:checker",),
    "goodwill:propose": ("staff:support",),
    "reversals:propose": ("staff:support",),
    "reversals:approve": ("staff:checker",),
    "disputes:read": ("staff:support", "staff:checker", "staff:auditor", "staff:security"),
    "disputes:handle": ("staff:support",),
    "vouchers:freeze": ("staff:support", "staff:security"),
    "goodwill:approve": ("staff:checker",),
    "trial-cards:propose": ("staff:support",),
    "trial-cards:approve": ("staff:checker",),
    "perks:use": ("service:perks:use",),
    "balances:propose": ("staff:editor",),
    "balances:approve": ("staff:checker",),
    "rates:read": ("staff:checker", "staff:editor", "staff:finance", "staff:analyst"),
    "rates:propose": ("staff:editor",),
    "rates:approve": ("staff:checker",),
    "earn-rules:propose": ("staff:editor",),
    "earn-rules:approve": ("staff:checker",),
    "stock:read": ("staff:support", "staff:checker", "staff:editor", "staff:finance", "staff:auditor"),
    "stock:write": ("staff:editor",),
    "stock:approve": ("staff:checker",),
    "budgets:read": ("staff:support", "staff:checker", "staff:editor", "staff:finance", "staff:auditor"),
    "figures:read": ("staff:finance", "staff:analyst", "staff:auditor", "service:figures:read"),
    "books:read": ("staff:finance", "staff:auditor"),
    "mix-targets:read": ("staff:checker", "staff:editor", "staff:finance", "staff:analyst", "staff:auditor"),
    "mix-targets:propose": ("staff:editor",),
    "mix-targets:approve": ("staff:checker", "staff:finance"),
    "budgets:propose": ("staff:editor",),
    "budgets:approve": ("staff:checker", "staff:finance"),
    "offers:propose": ("staff:editor",),
    "offers:approve": ("staff:checker",),
    "offers:pause": ("staff:checker", "staff:editor"),
    "statements:read": ("staff:finance", "staff:auditor", "service:statements:read"),
    "retention:read": ("staff:analyst", "staff:auditor", "service:retention:read"),
    "retention:run": ("staff:analyst",),
    "replays:run": ("staff:checker", "staff:editor", "staff:analyst"),
    "replays:read": ("staff:checker", "staff:editor", "staff:finance", "staff:analyst", "staff:auditor"),
    "wallet:any": ("service:wallet:any",),
    "wallet:post": ("service:wallet:post",),
    "wallet:issue": ("service:wallet:issue",),
    "lines:write": ("service:lines:write",),
    "segments:read": ("staff:support", "staff:editor", "staff:analyst", "service:segments:read"),
    "segments:write": ("staff:editor", "service:segments:write"),
    "bills:write": ("service:bills:write",),
    "webhooks:manage": ("merchant:owner", "staff:editor", "service:webhooks:manage"),
    "developer:manage": ("merchant:owner",),
    "bonuses:write": ("service:bonuses:write",),
    "notices:receipts": ("service:notices:receipts",),
}
OWN_FACE = {
    "member": "member",
    "clerk": "till",
    "manager": "till",
    **dict.fromkeys(MERCHANT, "merchant"),
    **dict.fromkeys(STAFF, "staff"),
}
ENDS = ("/sign-out", "/shift/close")  # after it, the token is worth nothing


def plain(rule: str) -> str:
    """A rule without the bounds of its converters."""
    return re.sub(r"\([^)]*\)", "", rule)


def routes(app: Flask) -> dict[str, str | None]:
    return {
        f"{method} {plain(rule.rule)}": guard.permission_of(app, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


@dataclass(frozen=True)
class World:
    """Somebody of each kind, and tokens for them."""

    app: Flask
    config: Config
    programme: Programme
    shop: Shop
    member_id: int

    def token(self, who: str) -> str | None:
        kind, _, rest = who.partition(":")
        if kind == "staff":
            return staff_token(rest)
        if kind == "merchant":
            return merchant_token(given_colleague(self.shop, rest, uuid.uuid4().hex[:8]))
        if kind == "service":
            return service_key(self.programme, *([rest] if rest else []))
        made = {"anonymous": lambda: None, "member": lambda: member_token(self.member_id)}
        made |= {"clerk": lambda: clerk_token(self.shop), "manager": self._manager}
        return made[who]()

    def _manager(self) -> str:
        """At a till of their own: there is one open shift at each."""
        with database.begin() as session:
            terminal = clerks.add_terminal(session, self.shop.outlet, f"tea-{uuid.uuid4().hex[:8]}")
        till = replace(self.shop, terminal=terminal, signer=paired(terminal))
        return clerk_token(till, given_colleague(self.shop, "manager", uuid.uuid4().hex[:8]))

    def call(self, route: str, token: str | None) -> TestResponse:
        method, rule = route.split(" ", 1)
        path = rule.replace("<int:seq>", "1").replace("<path:filename>", "jifen.css")
        path = re.sub(r"<[^>]+>", ids.public("mbr", self.member_id), path)
        client, headers = self.app.test_client(), {"Idempotency-Key": str(uuid.uuid4())}
        body = b"{}" if path.startswith("/v1/") and method == "POST" else b""
        signer = caller(self.app, token).signer
        if signer:
            headers |= signer.headers(method, path, body)
        if token and path.startswith("/v1/"):
            headers["Authorization"] = f"Bearer {token}"
        elif token:
            client.set_cookie(guard.cookie_name(face_of(path)), token)
        json_too = "application/json" if body else None
        return client.open(path, method=method, headers=headers, data=body, content_type=json_too)


def face_of(path: str) -> str:
    first = path.split("/", 2)[1]
    return first if first in ("till", "merchant", "staff") else "member"


def expected(route: str, who: str) -> str:
    """allowed, sign in (401 or the way to the sign-in page) or 403."""
    path, permission = route.split(" ", 1)[1], ROUTES[route]
    if permission == "public":
        return "allowed"
    if who == "anonymous" or (not path.startswith("/v1/") and OWN_FACE.get(who) != face_of(path)):
        return "sign in"
    if who not in GIVEN_TO[permission]:
        return "403"
    return "sign in" if path.endswith("/sign-out") else "allowed"  # that is where it leads


def came(route: str, answer: TestResponse) -> str:
    to_sign_in = answer.status_code == 303 and answer.headers["Location"].endswith("/sign-in")
    if (answer.status_code == 401 or to_sign_in) and ROUTES[route] != "public":
        return (
            "sign in"  # (a public route may say 401 to a wrong password, and a sign-out leads to the sign-in)
        )
    if answer.status_code >= 500 and answer.status_code != 503:
        return f"error {answer.status_code}"
    return "403" if answer.status_code == 403 else "allowed"


@pytest.fixture
def world(app: Flask, db: Config) -> World:
    app.config["WTF_CSRF_ENABLED"] = False  # the forms' own token is not what is asked about here
    programme = given_programme()
    return World(app, db, programme, given_shop(), given_member(db, programme, points=1000))


def test_every_route_has_a_row_with_its_permission_and_every_row_a_route(app):
    there = routes(app)

    assert {route: permission for route, permission in there.items() if route not in ROUTES} == {}
    assert {route: permission for route, permission in ROUTES.items() if there.get(route) != permission} == {}


def test_the_table_of_permissions_is_the_one_of_the_program(app):
    assert {f"staff:{role}" for role in STAFF_ROLES} == set(STAFF)
    assert set(SERVICES) == SERVICE_SCOPES
    assert set(ROUTES.values()) <= set(GIVEN_TO)


@pytest.mark.parametrize("part", [("GET /v1/",), ("POST /v1/",), ("GET /", "POST /")])
def test_every_route_answers_everybody_as_the_tables_say(world, part):
    tokens = {who: world.token(who) for who in EVERYBODY}
    asked = [
        route for route in ROUTES if route.startswith(part) and (" /v1/" in route) == (" /v1/" in part[0])
    ]
    wrong = {}

    for route in asked:
        for who in EVERYBODY:
            answer = world.call(route, tokens[who])
            if route.endswith(ENDS):
                tokens[who] = world.token(who)
            if came(route, answer) != expected(route, who):
                wrong[route, who] = (
                    f"{came(route, answer)} ({answer.status_code}), not {expected(route, who)}"
                )

    assert wrong == {}


def test_a_key_of_a_system_opens_no_page(world):
    key = service_key(world.programme, *SERVICES)
    pages = [
        route for route in ROUTES if not route.split(" ")[1].startswith("/v1/") and ROUTES[route] != "public"
    ]

    assert {route for route in pages if came(route, world.call(route, key)) != "sign in"} == set()


def test_a_cookie_opens_nothing_of_the_api(world):
    client = world.app.test_client()
    for face, token in {
        "member": world.token("member"),
        "till": world.token("clerk"),
        "merchant": world.token("merchant:owner"),
        "staff": world.token("staff:finance"),
    }.items():
        client.set_cookie(guard.cookie_name(face), token or "")

    opened = {
        route for route, permission in ROUTES.items()
        if route.startswith("GET /v1/") and permission != "public" and client.get(re.sub("<[^>]+>", "1", route[4:])).status_code != 401
    }  # fmt: skip

    assert opened == set()


def test_a_system_sees_only_its_own_programme(world):
    other = given_programme("other")
    stranger = service_key(other, *SERVICES)
    member = ids.public("mbr", world.member_id)

    told = {
        path: world.app.test_client().get(path, headers={"Authorization": f"Bearer {stranger}"})
        for path in (
            f"/v1/members/{member}/wallet",
            f"/v1/members/{member}/postings",
            "/v1/retention?programme=gotone",
            "/v1/analytics/liability?programme=gotone",
        )
    }

    assert {path: answer.json["type"] for path, answer in told.items()} == {
        f"/v1/members/{member}/wallet": "/problems/member-unknown",
        f"/v1/members/{member}/postings": "/problems/member-unknown",
        "/v1/retention?programme=gotone": "/problems/programme-unknown",
        "/v1/analytics/liability?programme=gotone": "/problems/programme-unknown",
    }


def test_somebody_who_left_or_was_sent_away_is_out_at_once(world):
    from points.members import members

    tokens = {who: world.token(who) for who in ("member", "clerk")}
    with database.begin() as session:
        members.leave(session, world.member_id, clock.now().date())
        terminal_keys.revoke(session, session.merge(world.shop.terminal), clock.now())

    assert world.call("GET /v1/members/me/wallet", tokens["member"]).status_code == 401
    assert world.call("POST /v1/vouchers/check", tokens["clerk"]).status_code == 401
    assert came("GET /", world.call("GET /", tokens["member"])) == "sign in"
    assert came("GET /till", world.call("GET /till", tokens["clerk"])) == "sign in"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_a_method_that_no_route_takes_is_refused(world, method):
    for path in ("/v1/quotes", "/", "/till", "/staff", "/v1/members/me/wallet", "/health/live"):
        answer = world.app.test_client().open(path, method=method)

        assert answer.status_code == 405
        assert answer.headers["Allow"]
