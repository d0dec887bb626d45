"""The screens that people were promised, and what in the URL map each of them is.

A journey says which screens it walks: `@pytest.mark.screens("member: home", ...)`. Where it opens none of a screen's endpoints, it
fails (conftest.py); where a screen has no journey in both languages, test_screens.py fails.
"""

MEMBER = {
    "member: home": ("member_pages.home",),
    "member: catalogue": ("member_pages.list_offers",),
    "member: offer": ("member_pages.one_offer",),
    "member: confirm": ("member_pages.one_quote",),
    "member: result": ("member_pages.one_redemption",),
    "member: voucher": ("member_pages.one_voucher", "member_pages.kept_vouchers"),
    "member: history": ("member_pages.list_points",),
    "member: lapsing": ("member_pages.list_points",),
    "member: group and club": ("member_pages.one_group",),
    "member: errors and account": ("member_pages.profile",),
}
TILL = {
    "till: sign in": ("till_pages.sign_in_form",),
    "till: scan": ("till_pages.scan",),
    "till: check": ("till_pages.check",),
    "till: accept": ("till_pages.accept",),
    "till: network doubt": ("till_pages.check", "till_pages.accept"),
    "till: today": ("till_pages.today",),
    "till: void": ("till_pages.undo",),
}
MERCHANT = {
    "merchant: statements": ("merchant_settlement.one_statement",),
    "merchant: developers": ("merchant_developers.overview",),
}
# What operations expect.
OPERATIONS = {
    "operations: dashboard": ("console_pages.overview",),
    "operations: lists": ("console_pages.search.search", "console_pages.offers.offer_list"),
    "operations: offer editor": ("console_pages.offer_drafts.edit", "console_pages.offers.one_offer"),
    "operations: rates, policies, terms": (
        "console_pages.rates.rate_list",
        "console_pages.rates.change_form",
    ),
    "operations: rules": ("console_pages.segments.draft",),
    "operations: import and long jobs": ("console_pages.jobs.listed", "console_pages.imports.listed"),
    "operations: member": ("console_pages.members.one_member",),
    "operations: merchants": ("console_pages.partners.one",),
    "operations: analytics": ("console_pages.retention.retention",),
    "operations: audit and access": (
        "console_pages.audit.log",
        "console_pages.looks.view_log",
        "console_pages.people.people",
    ),
}
SCREENS = MEMBER | TILL | MERCHANT | OPERATIONS
