"""The words of the pages on redemption and staying: kinds, estimators, blocks of a report, what was known of members."""

from typing import Any

from base.web.i18n import lazy_gettext as _

ANY = "any"
KINDS: dict[str, Any] = {
    ANY: _("Any redemption"),
    "bill": _("Bill credit"),
    "merchant": _("Merchant voucher"),
    "club": _("Club perks"),
    "goods": _("Goods"),
    "data": _("Data pack or service"),
    "history": _("Before this system"),
}
EVIDENCE = {
    "experiment": (_("Experiment"), "ok"),
    "emulated_trial": (_("Emulated trial"), "info"),
    "none": (_("No figure"), "wait"),
}
VERDICTS = {
    "works": (_("Fewer left"), "ok"),
    "harms": (_("More left"), "bad"),
    "no_effect_shown": (_("No effect shown"), "info"),
    "cannot_say": (_("Cannot be said"), "wait"),
}
STATUS = {"ok": (_("Given"), "ok"), "caution": (_("With care"), "wait"), "refused": (_("No figure"), "bad")}
TASK_STATES = {
    "waiting": (_("Waiting"), "quiet"),
    "running": (_("In progress"), "wait"),
    "done": (_("Done"), "ok"),
    "failed": (_("Failed"), "bad"),
}
BLOCKS = {
    "input": _("What went in"),
    "raw_gap": _("Raw gap"),
    "km_ever": _("Curves by who ever redeemed"),
    "km": _("Curves by who had redeemed by then"),
    "cox_ever": _("Rate of leaving, counted as redeemers from the first day on"),
    "cox_time_varying": _("Check at equal time"),
    "pooled_logistic": _("Check month by month"),
    "landmark": _("Check among those still there"),
    "trials": _("Small trials, month by month"),
    "itt": _("redeeming now"),
    "per_protocol": _("against redeeming nothing"),
    "kinds": _("by kind"),
    "diagnostics": _("Balance and weights"),
    "sensitivity": _("What could explain it"),
    "negative_control": _("Something that redeeming cannot change"),
    "placebo": _("A redemption that gave nothing"),
    "waterfall": _("What the raw gap is made of"),
    "money": _("What a retained member costs"),
    "holdout": _("Holdout"),
    "cuts": _("By parts of the members"),
    "tenure": _("months as a member"),
    "usage": _("use before"),
    "contract": _("months to the end of the contract"),
    "city": _("city"),
    "brand": _("brand"),
    "event_study": _("Months around a redemption"),
    "why_they_differ": _("Why the two differ"),
    "verdict": _("Verdict"),
} | KINDS
PARTS = {
    "tenure": _("Months a member"),
    "usage": _("Use"),
    "contract": _("Contract months left"),
    "city": _("City"),
    "brand": _("Brand"),
}
COVARIATES = {
    "tenure": _("Months as a member"),
    "usage": _("Last bill"),
    "arpu": _("Middle bill"),
    "balance": _("Points in the wallet"),
    "first_year": _("In the first year"),
    "risk": _("Risk grade"),
    "risk_unknown": _("Risk grade not known"),
    "engagement": _("Engagement"),
    "tier": _("Tier"),
    "months_to_contract_end": _("Months to the end of the contract"),
    "complaints": _("Complaints"),
    "outages": _("Outages of the network"),
    "device_age": _("Age of the device"),
    "campaign_contact": _("Contacted by a campaign"),
}
GAP_OF_A_KIND = _(
    "Members who could redeem this in a month and did, beside those who could and did not. Keen members redeem "
    "more and leave less anyway, so this gap is not an effect of redeeming."
)
NO_GAP = _("Among those who could have redeemed it there is no gap to show yet.")
ARMS = {"treated": _("redeemed in the month"), "control": _("could have and did not")}


def kind(name: str) -> str:
    """What a kind is called; one that an analyst's file brought, by its own name."""
    return str(KINDS.get(name, name))


def block(path: str) -> str:
    """What a block of the report, or one inside it, is called: "trials.itt" in words."""
    return " · ".join(str(BLOCKS.get(part, part)) for part in path.split("."))


def covariate(name: str) -> str:
    """What was known of a member: `tier=gold`, `rank_star` and the rest in words."""
    stem, _eq, value = name.partition("=")
    label = COVARIATES.get(stem)
    if label is None:
        return name
    return f"{label}: {value}" if value else str(label)
