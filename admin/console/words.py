"""The words for kinds and states in the console, with the tone of each."""

from base.web.i18n import lazy_gettext as _

OFFER_KINDS = {
    "bill_credit": _("Bill credit"),
    "voucher": _("Merchant voucher"),
    "perk": _("Club place"),
    "event": _("Club event"),
    "trial_card": _("Trial card"),
    "goods": _("Goods"),
    "service": _("Data pack or service"),
    "gift": _("Gift to a member"),
    "bundle": _("Bundle"),
    "history": _("Before this system"),
}
HEAPS = {
    "mall": _("Points mall"),
    "bill_credit": _("Bill credit"),
    "club": _("Club perks"),
    "new_services": _("New services"),
    "unattributed": _("Unattributed"),
}
REDEMPTION_STATES = {
    "requested": (_("Requested"), "wait"),
    "pending": (_("In progress"), "wait"),
    "fulfilling": (_("Being fulfilled"), "wait"),
    "reversed": (_("Undone"), "quiet"),
    "fulfilled": (_("Done"), "ok"),
    "failed": (_("Failed"), "bad"),
    "cancelled": (_("Cancelled"), "quiet"),
    "unknown": (_("Answer not known"), "bad"),
}
POSTING_KINDS = {
    "earn": _("Earned"),
    "repay": _("Owed points repaid"),
    "redeem": _("Redeemed"),
    "hold": _("Set aside"),
    "capture": _("Set aside, now spent"),
    "release": _("Set aside, given back"),
    "timeout": _("Set aside, given back after its time"),
    "reverse": _("Given back"),
    "expire": _("Lapsed"),
    "unearn": _("Earning taken back"),
    "owe": _("Owed, for what was taken back was spent"),
    "adjust_up": _("Adjusted up"),
    "adjust_down": _("Adjusted down"),
    "gift_out": _("Gift sent"),
    "gift_in": _("Gift received"),
    "gift_return": _("Gift came back"),
    "merge_out": _("Merged away"),
    "merge_in": _("Merged in"),
    "merge_debt_out": _("Debt merged away"),
    "merge_debt_in": _("Debt merged in"),
    "redate_out": _("Lapsed while frozen, kept"),
    "redate_in": _("Kept with a later last day"),
    "close_out": _("Cleared after cancellation"),
    "restore": _("Came back after an extension"),
}
WALLET_STATES = {
    "new": (_("Too new to redeem"), "wait"),
    "open": (_("Can redeem"), "ok"),
    "frozen": (_("Frozen"), "wait"),
    "closed": (_("Closed"), "quiet"),
    "merged": (_("Merged into another member"), "quiet"),
}
OFFER_STATES = {
    "scheduled": (_("Scheduled"), "info"),
    "live": (_("Live"), "ok"),
    "paused": (_("Paused"), "wait"),
    "ended": (_("Ended"), "quiet"),
}
DRAFT_STATES = OFFER_STATES | {
    "draft": (_("Draft"), "quiet"),
    "in_review": (_("In review"), "wait"),
    "discarded": (_("Thrown away"), "quiet"),
}
LINE_TYPES = {
    "plan": _("Plan fee"),
    "data": _("Data"),
    "voice": _("Calls"),
    "roaming": _("Roaming"),
    "service": _("Services"),
}
JOB_STATES = {
    "todo": (_("Waiting"), "wait"),
    "doing": (_("Running"), "info"),
    "failed": (_("Failed"), "bad"),
    "succeeded": (_("Done"), "ok"),
    "cancelled": (_("Cancelled"), "quiet"),
    "aborted": (_("Broken off"), "quiet"),
}
LOT_CLASSES = {1: _("Bills"), 2: _("Promotions")}
ACCOUNT_KINDS = {"asset": _("Asset"), "liability": _("Liabilities"), "income": _("Income"), "cost": _("Cost")}
VOUCHER_STATES = {
    "issued": (_("Ready to use"), "ok"),
    "held": (_("Held at a till"), "wait"),
    "accepted": (_("Used"), "quiet"),
    "expired": (_("Lapsed"), "quiet"),
    "cancelled": (_("Handed back"), "quiet"),
    "frozen": (_("Frozen"), "bad"),
}
DISPUTE_STATES = {
    "open": (_("Open"), "wait"),
    "decided": (_("Decision made"), "info"),
    "closed": (_("Closed"), "quiet"),
}
VERDICTS = {"member": _("For the member"), "merchant": _("For the merchant")}
SIDES = {"member": _("The member"), "merchant": _("The merchant")}
POINTS_BACK = {
    "proposed": _("Giving them back is proposed; another person approves it"),
    "by_hand": _("To be given back by hand: propose an adjustment"),
}
DIRECTIONS = {"up": _("Add points"), "down": _("Take points")}
ADJUSTMENT_REASONS = {
    "missing": _("Points are missing"),
    "goodwill": _("Goodwill"),
    "complaint": _("Outcome of a complaint"),
    "lapsed": _("Lapsed wrongly"),
    "mistake": _("Correction of a mistake"),
    "misuse": _("Misuse"),
}
YES, NO = _("yes"), _("no")
PERIODS = {"month": _("calendar month"), "quarter": _("calendar quarter"), "year": _("calendar year")}
SAID = {  # what the parts of a proposal are called
    "programme": _("Programme"),
    "reason": _("Reason"),
    "text": _("In words"),
    "ticket": _("Case"),
    "from_day": _("From day"),
    "until_day": _("Until day"),
    "names": _("Name"),
    "points": _("Points"),
    "offer": _("Offer"),
    "cost_fen": _("Cost (fen)"),
    "expected": _("Result expected"),
    "redemption": _("Redemption"),
    "merchant": _("Merchant"),
    "owed_fen": _("Owed to the merchant (fen)"),
    "fee_fen": _("Fee (fen)"),
    "vat_fen": _("Tax on the fee (fen)"),
    "acceptance": _("Acceptance"),
    "clawback": _("Taken back from merchants"),
    "statement": _("Statement"),
    "version": _("Version"),
    "state": _("State"),
    "amount_fen": _("Amount (fen)"),
    "currency": _("Currency"),
    "route": _("Way"),
    "count": _("Payouts"),
    "sum_fen": _("Sum (fen)"),
    "template": _("Message"),
    "zh": _("Text in Chinese"),
    "en": _("Text in English"),
    "from": _("From"),
}
PAYOUT_ROUTES = {"bank": _("Bank file"), "stripe": _("Stripe")}
MERCHANT_ADJUSTMENT_REASONS = {
    "price": _("The price was wrong"),
    "fee": _("The fee was wrong"),
    "missing": _("A use is missing"),
    "service": _("The service was not given"),
    "mistake": _("Made by mistake"),
    "goodwill": _("Goodwill"),
}
BUDGET_PERIODS = {"whole": _("in all"), "month": _("in each month")}
STOCK_CORRECTIONS = {"corrected": _("Count corrected"), "written_off": _("Written off")}
FROM_THE_APPROVAL = _("from the approval")
OFFER_FIELDS = {
    "names": _("Name"),
    "texts": _("In words"),
    "terms": _("Terms of use"),
    "pictures": _("Pictures"),
    "category": _("Category"),
    "city": _("City"),
    "value_fen": _("Worth to the member"),
    "cost_fen": _("Cost to the operator"),
    "currency": _("Currency"),
    "cash_choices": _("Part that may be paid in cash"),
    "approval_class": _("Class of approval"),
    "case": _("Single case"),
    "from_at": _("From"),
    "until_at": _("Until"),
    "event_at": _("Takes place"),
    "stock": _("Stock"),
    "budget": _("Paid from the budget"),
    "merchant": _("Merchant"),
    "most_units": _("At most at once"),
    "cancellable": _("May be cancelled"),
    "voucher_days": _("Days that the voucher is valid"),
    "eligibility": _("For whom"),
    "limits": _("Limits"),
    "form": _("Of its kind"),
}
APPROVAL_KINDS = {
    "adjustment": _("Adjustment"),
    "merge": _("Merge of two members"),
    "extension": _("Extension of last days"),
    "entitlement": _("Allowance of a tier"),
    "bonus-rule": _("Bonus rule"),
    "goodwill": _("Points of goodwill"),
    "trial-card": _("Trial card"),
    "tier-policy": _("Ladder of tiers"),
    "tier-grant": _("Tier given by hand"),
    "erasure": _("Erasing of a person"),
    "opening-balances": _("Opening balances"),
    "rate": _("Rates: what points buy"),
    "earn-rule": _("Earn rules: what bills earn"),
    "stock-correction": _("Correction of a stock"),
    "budget": _("Budget"),
    "reversal": _("Redemption undone"),
    "offer": _("Offer"),
    "merchant-review": _("Documents of a merchant"),
    "terms": _("Terms of a merchant"),
    "points-pack": _("Pack of points of a merchant"),
    "merchant-adjustment": _("Adjustment of a merchant's account"),
    "payout-run": _("Run of payouts"),
    "payout-release": _("Payout sent anew"),
    "write-off": _("Debt of a merchant written off"),
    "mix-target": _("Target of the mix of redemptions"),
    "notice-template": _("Text of a message"),
    "staff-access": _("Access of somebody on the staff"),
    "resumption": _("Something that is stopped goes on"),
}
HALTED = {
    "redeem": _("Redeeming"),
    "accept": _("Taking vouchers at tills"),
    "payout": _("Payouts to merchants"),
    "export": _("Files of personal data"),
    "enrol": _("New members"),
    "earn": _("Giving points"),
}
APPROVAL_STATES = {
    "proposed": (_("To be decided"), "wait"),
    "approved": (_("Approved"), "ok"),
    "rejected": (_("Rejected"), "bad"),
    "withdrawn": (_("Withdrawn"), "quiet"),
    "expired": (_("Not decided in time"), "quiet"),
    "all": (_("All"), "quiet"),
}
APPROVALS_WHOSE = {"": _("Everybody’s"), "to-decide": _("For me to decide"), "mine": _("My own")}
REVERSAL_OUTCOMES = {
    "done": _("Undone"),
    "under_way": _("The other system was asked to take it back"),
    "unclear": _("Not clear: look at the other system"),
    "refused": _("The other system did not take it back"),
}
ERASURE_REASONS = {
    "request": _("The person asked for it"),
    "authority": _("An authority ordered it"),
    "end-of-term": _("The time of keeping is over"),
}
FREEZE_REASONS = {
    "own": _("By the member"),
    "not-me": _("By the member: it was somebody else"),
    "number-changed": _("The number changed hands"),
    "member-called": _("The member called"),
    "suspected-fraud": _("Suspected misuse"),
}
REVEAL_REASONS = {
    "identity-check": _("Check of the identity"),
    "complaint": _("Complaint"),
    "delivery": _("Delivery"),
    "fraud": _("Suspected misuse"),
    "authority": _("An authority asks"),
    "correction": _("Correction of the data"),
}
PERSONAL = {
    "phone": _("Phone"),
    "name": _("Name of the person"),
    "second_phone": _("Second phone"),
    "email": _("Mail address"),
    "address": _("Address"),
    "id_number": _("Identity number"),
    "messages": _("Texts of the last messages"),
}
LOOKS = {
    "member.viewed": (_("Looked at, masked"), "quiet"),
    "member.found": (_("Found by search"), "quiet"),
    "member.revealed": (_("Seen in clear"), "wait"),
    "reveals.alarm": (_("Refused: too many"), "bad"),
}
ALERT_OUTCOMES = {
    "harmless": (_("Harmless"), "ok"),
    "watched": (_("Being watched"), "wait"),
    "fraud": (_("Fraud"), "bad"),
}
ALERT_FACTS = {
    "tries": _("Unknown codes"),
    "at_least": _("Unknown codes, at least"),
    "accepted": _("Accepted within a day"),
    "usual": _("Usual within a day"),
    "voided": _("Undone within a day"),
    "times": _("Times within a day"),
    "outlets": _("Outlets within a day"),
    "member": _("Member"),
    "terminal": _("Terminal"),
}
ROLES = {
    "support": _("Care (all of it)"),
    "care-agent": _("Care agent"),
    "account-manager": _("Account manager"),
    "dispute-owner": _("Owner of disputes"),
    "editor": _("Catalogue and rules (all of it)"),
    "catalogue-editor": _("Catalogue editor"),
    "rate-maker": _("Maker of rates and policies"),
    "checker": _("Checker"),
    "finance": _("Finance (all of it)"),
    "finance-maker": _("Finance maker"),
    "finance-checker": _("Finance checker"),
    "analyst": _("Analyst"),
    "security": _("Security"),
    "risk-officer": _("Risk officer"),
    "auditor": _("Auditor"),
    "privacy-officer": _("Privacy officer"),
    "system-administrator": _("System administrator"),
}
WAYS = {
    "password": _("Password"),
    "code": _("Password and code"),
    "recovery": _("Password and recovery code"),
    "single": _("Single sign-on"),
}
