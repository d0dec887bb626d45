"""The web application: every topic's API and every face's pages, behind one guard."""

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from admin.analytics import api as retention_api
from admin.analytics.figures import api as figures_api
from admin.audit import api as audit_api
from admin.books import api as books_api
from admin.care import api as care_occasions_api
from admin.console import pages as console
from admin.console.approvals import api as proposals_api
from admin.contacts import api as contacts_api
from admin.halts import api as halts_api
from admin.intake import api as imports_api
from admin.replay import api as replay_api
from admin.staff import api as staff_api
from admin.tickets import api as tickets_api
from app import dev, health
from app.docs import pages as docs
from app.member import pages as member
from app.member import units
from app.merchant import campaigns as merchant_campaigns
from app.merchant import developers as merchant_developers
from app.merchant import invitation, managing
from app.merchant import pages as merchant
from app.merchant import points as merchant_points
from app.merchant import settlement as merchant_settlement
from app.merchant import takings as merchant_takings
from app.till import pages as till
from base.auth import guard
from base.config import Config
from base.http import admission, api, deadlines, headers, problems, settings, uploads
from base.maintenance import api as maintenance_api
from base.maintenance import door
from base.notices import api as notices_api
from base.web import blueprint as web
from base.web import formats
from base.webhooks import api as webhooks_api
from catalog.budgets import api as budgets_api
from catalog.cash import api as cash_api
from catalog.disputes import api as disputes_api
from catalog.events import api as events_api
from catalog.goods import api as goods_api
from catalog.offers import api as offers_api
from catalog.perks import api as perks_api
from catalog.pictures import api as pictures_api
from catalog.publishing import api as publishing_api
from catalog.rates import api as rates_api
from catalog.ratings import api as ratings_api
from catalog.redemptions import api as redemptions_api
from catalog.reversals import api as reversals_api
from catalog.stock import api as stock_api
from catalog.trace import api as trace_api
from catalog.trial_cards import api as trial_cards_api
from catalog.vouchers import api as vouchers_api
from merchants.adjustments import api as merchant_adjustments_api
from merchants.agreements import api as agreements_api
from merchants.desks import api as desks_api
from merchants.earnings import api as merchant_earnings_api
from merchants.invoices import api as invoices_api
from merchants.onboarding import api as onboarding_api
from merchants.outlets import api as outlets_api
from merchants.packs import api as packs_api
from merchants.payout_routes import api as payout_routes_api
from merchants.payouts import api as payouts_api
from merchants.people import api as merchant_people_api
from merchants.recoveries import api as recoveries_api
from merchants.risk import api as risk_api
from merchants.settled import api as settled_api
from merchants.statements import api as statements_api
from merchants.takings import api as takings_api
from merchants.terminals import api as terminals_api
from merchants.tills import api as tills_api
from points.adjustments import api as adjustments_api
from points.announcements import api as announcements_api
from points.bonuses import api as bonuses_api
from points.care import api as care_api
from points.companions import api as companions_api
from points.earn_rules import api as earn_rules_api
from points.earnings import api as earnings_api
from points.entitlements import api as entitlements_api
from points.erasures import api as erasures_api
from points.freezes import api as freezes_api
from points.gifts import api as gifts_api
from points.goodwill import api as goodwill_api
from points.groups import api as groups_api
from points.lines import api as lines_api
from points.members import api as members_api
from points.merges import api as merges_api
from points.opening import api as opening_api
from points.operations import api as operations_api
from points.people import api as people_api
from points.preferences import api as preferences_api
from points.segments import api as segments_api
from points.statements import api as points_statements_api
from points.tiers import api as tiers_api
from points.wallets import api as wallets_api

MOST_BYTES = 1_000_000


def create_app(config: Config) -> Flask:
    """The web application. The process must be wired (app.wiring.wire) before it serves."""
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SECRET_KEY=config.secret_key,
        MAX_CONTENT_LENGTH=MOST_BYTES,
        MAX_FORM_PARTS=200,
        TRUSTED_HOSTS=list(config.hosts)
        or None,  # any other name is answered 400, so that no link can be made of it
        SESSION_COOKIE_NAME="jifen_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.in_production,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=True,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    settings.keep(app, config)
    if config.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.proxies, x_proto=config.proxies, x_host=0)  # type: ignore[method-assign]
    headers.init(app)
    deadlines.before_guard(app, config)
    guard.init(app)
    deadlines.behind_guard(app, config)
    door.init(app)
    uploads.init(app)
    problems.init(app)
    web.init(app, language=config.language, zone=config.zone)
    formats.named_as(app, units.of_caller)
    csrf = CSRFProtect(app)
    frame = api.init(app)
    for topic in (
        members_api,
        people_api,
        companions_api,
        preferences_api,
        erasures_api,
        wallets_api,
        points_statements_api,
        operations_api,
        gifts_api,
        freezes_api,
        groups_api,
        lines_api,
        adjustments_api,
        merges_api,
        announcements_api,
        bonuses_api,
        goodwill_api,
        tiers_api,
        care_api,
        care_occasions_api,
        opening_api,
        earnings_api,
        entitlements_api,
        segments_api,
        earn_rules_api,
        rates_api,
        imports_api,
        offers_api,
        stock_api,
        budgets_api,
        publishing_api,
        proposals_api,
        pictures_api,
        redemptions_api,
        ratings_api,
        goods_api,
        events_api,
        perks_api,
        trial_cards_api,
        reversals_api,
        cash_api,
        vouchers_api,
        disputes_api,
        terminals_api,
        onboarding_api,
        outlets_api,
        merchant_people_api,
        tills_api,
        agreements_api,
        takings_api,
        packs_api,
        merchant_earnings_api,
        risk_api,
        desks_api,
        statements_api,
        payouts_api,
        payout_routes_api,
        recoveries_api,
        merchant_adjustments_api,
        settled_api,
        invoices_api,
        trace_api,
        notices_api,
        maintenance_api,
        halts_api,
        webhooks_api,
        staff_api,
        audit_api,
        retention_api,
        figures_api,
        books_api,
        replay_api,
        tickets_api,
        contacts_api,
    ):
        frame.register_blueprint(topic.blueprint)
        csrf.exempt(
            topic.blueprint
        )  # the API takes no cookies, so a browser can't be made to call it for somebody
    app.register_blueprint(health.blueprint)
    _register_pages(app, config)
    csrf.exempt("app.member.sign_in.take_app_token")  # it comes from the app and carries its own proof
    guard.allow(app, "web.static", "api-docs.openapi_json")
    guard.check_routes(app)
    admission.init(app, config)
    return app


def _register_pages(app: Flask, config: Config) -> None:
    """The pages of the four faces, and those about the product."""
    app.register_blueprint(pictures_api.public)
    for face in (
        docs,
        member,
        till,
        merchant,
        merchant_points,
        invitation,
        merchant_takings,
        merchant_settlement,
        merchant_campaigns,
        merchant_developers,
        console,
    ):
        app.register_blueprint(face.blueprint)
    for place, name in (("/merchant", "merchant_managing"), ("/till/manage", "till_managing")):
        app.register_blueprint(managing.blueprint, url_prefix=place, name=name)
    if not config.in_production:
        app.register_blueprint(dev.blueprint)
