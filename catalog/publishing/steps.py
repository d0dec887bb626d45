"""The five steps of setting up an offer, each with what is missing or wrong; the same checks when it is shown, proposed and approved."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from base.errors import Problem
from catalog.budgets import budgets
from catalog.offers import eligibility, limits
from catalog.offers.models import Offer
from catalog.publishing import contents, costs, matching, wording
from catalog.publishing.classes import CLASSES
from catalog.publishing.faults import (
    ApprovalClassUnknown,
    BadCount,
    CaseMissing,
    EndsBeforeItStarts,
    OfferIncomplete,
    OfferKindUnknown,
    PercentageOver100,
    StartsInThePast,
    StockElsewhere,
)
from catalog.redemptions import courses
from points.models import Programme

CONTENT, RULES, RESOURCE, STOCK, COST = STEPS = ("content", "rules", "resource", "stock", "cost")
NAMES = {
    CONTENT: {"zh-CN": "服务内容", "en": "Content"},
    RULES: {"zh-CN": "服务细则", "en": "Rules"},
    RESOURCE: {"zh-CN": "匹配资源", "en": "Matched resource"},
    STOCK: {"zh-CN": "资源库存与预算", "en": "Stock and budget"},
    COST: {"zh-CN": "服务成本", "en": "Cost"},
}
GRACE = timedelta(minutes=15)  # so much later a moment is not yet the past: it begins with the approval then
MOST_UNITS, MOST_STOCK, MOST_DAYS = 100_000, 1_000_000_000, 3_660
PERCENT = re.compile(r"(?:^|_)percent$")
WINDOWS = (("from", "until"), ("from_at", "until_at"), ("from_day", "until_day"), ("opens", "closes"))


@dataclass(frozen=True)
class Asked:
    """An offer to be set up: as it would be stored (nobody has), the document that it is made of, and from when on."""

    programme: Programme
    offer: Offer
    document: dict[str, Any]
    is_new: bool
    at: datetime

    @property
    def starts_at(self) -> datetime:
        """When it would begin if it were approved now."""
        return max(self.at, contents.moment(self.document.get("from_at")) or self.at)


@dataclass(frozen=True)
class Step:
    """One of the five, and what is missing or wrong in it."""

    name: str
    faults: tuple[Problem, ...]

    @property
    def done(self) -> bool:
        return not self.faults


def of(session: Session, programme: Programme, kind: str, code: str, document: dict[str, Any], *, is_new: bool, at: datetime) -> list[Step]:  # fmt: skip
    """All five steps of a document."""
    values, unknown = matching.values(session, document)
    offer = Offer(kind=kind, code=code, programme_id=programme.programme_id, **values)
    asked = Asked(programme, offer, document, is_new, at)
    found = {
        CONTENT: wording.faults(session, offer, document),
        RULES: _rules(session, asked),
        RESOURCE: [*unknown, *matching.faults(session, programme, offer, document, asked.starts_at)],
        STOCK: _stock(asked),
        COST: costs.faults(programme, document),
    }
    if not found[RULES]:
        found[RULES] = list(_conditions(asked))
    if not found[STOCK]:
        found[STOCK] = list(_budget(session, asked))
    return [Step(step, tuple(found[step])) for step in STEPS]


def refuse_faults(steps: list[Step]) -> None:
    """Raise the first fault there is, with all of them as its errors."""
    every = [(step.name, fault) for step in steps for fault in step.faults]
    if every:
        first = every[0][1]
        errors = [error_of(step, fault) for step, fault in every]
        raise type(first)(first.detail, **first.facts | {"errors": errors})


def error_of(step: str, fault: Problem) -> dict[str, Any]:
    """A fault as one of the errors of an answer."""
    pointer = "/" + str(fault.facts.get("field", "")).replace(".", "/")
    detail = fault.facts.get("why") or fault.title("en")
    return {"pointer": pointer, "detail": detail, "type": f"/problems/{fault.type_name()}", "step": step}


def _conditions(asked: Asked) -> Iterator[Problem]:
    """Whom it is for and how often, once our own checks found that the rules can be read at all."""
    try:
        eligibility.parse(asked.offer.eligibility)
        limits.of(asked.offer.limits)
    except Problem as fault:
        yield fault


def _budget(session: Session, asked: Asked) -> Iterator[Problem]:
    """A budget is one of the programme's."""
    if asked.offer.budget_id is None:
        return
    try:
        if budgets.by_id(session, asked.offer.budget_id).programme_id == asked.programme.programme_id:
            return
    except budgets.BudgetUnknown:
        pass
    yield budgets.BudgetUnknown(field="budget")


def _rules(session: Session, asked: Asked) -> list[Problem]:
    return [*_kind(session, asked.offer), *_times(asked), *_counts(asked), *_bounds(asked), *_class(asked)]


def _kind(session: Session, offer: Offer) -> Iterator[Problem]:
    known = [course.kind for course in courses.every()]
    if offer.kind not in known:
        yield OfferKindUnknown(field="kind", choices=known)
    else:
        yield from matching.form_faults(session, offer)


def _times(asked: Asked) -> Iterator[Problem]:
    offer, wanted = asked.offer, contents.moment(asked.document.get("from_at"))
    if wanted is not None and wanted < asked.at - GRACE:
        yield StartsInThePast(field="from_at")
    if offer.until_at is not None and offer.until_at <= asked.starts_at:
        yield EndsBeforeItStarts(field="until_at")
    if offer.event_at is not None and offer.event_at <= asked.starts_at:
        yield EndsBeforeItStarts(field="event_at", why="the event would be over when the offer begins")


def _counts(asked: Asked) -> Iterator[Problem]:
    offer = asked.offer
    if asked.document.get("cancellable") is None:
        yield OfferIncomplete(field="cancellable", why="say whether a member may cancel")
    if not 1 <= offer.most_units <= MOST_UNITS:
        yield BadCount(field="most_units", least=1, most=MOST_UNITS)
    if offer.voucher_days is not None and not 1 <= offer.voucher_days <= MOST_DAYS:
        yield BadCount(field="voucher_days", least=1, most=MOST_DAYS)


def _bounds(asked: Asked) -> Iterator[Problem]:
    for name in ("eligibility", "limits", "form"):
        yield from faults_within(getattr(asked.offer, name), name)


def faults_within(value: Any, field: str) -> Iterator[Problem]:
    """Percentages over 100 and windows that end before they start, wherever they are in a rule of any kind."""
    inner = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for name, one in inner:
        if isinstance(name, str) and PERCENT.search(name) and not _is_percentage(one):
            yield PercentageOver100(field=f"{field}.{name}")
        yield from faults_within(one, f"{field}.{name}")
    if isinstance(value, dict):
        for first, last in WINDOWS:
            one, other = value.get(first), value.get(last)
            if isinstance(one, str) and isinstance(other, str) and other < one:
                yield EndsBeforeItStarts(field=f"{field}.{last}")


def _is_percentage(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100


def _class(asked: Asked) -> Iterator[Problem]:
    named = CLASSES.get(asked.offer.approval_class)
    if named is None:
        yield ApprovalClassUnknown(field="approval_class", choices=list(CLASSES))
    elif named.each_case:
        case = asked.document.get("case") or {}
        for name in ("member", "reason", "expected"):
            if not case.get(name):
                yield CaseMissing(field=f"case.{name}")


def _stock(asked: Asked) -> list[Problem]:
    document = asked.document
    if not asked.is_new:
        return [StockElsewhere(field="stock")] if document.get("stock") is not None else []
    if "stock" not in document:
        return [OfferIncomplete(field="stock", why="say how many there are, or null for no limit")]
    if document["stock"] is not None and not courses.of(asked.offer.kind).counts_stock:
        return [BadCount(field="stock", least=0, most=0)]
    if document["stock"] is not None and not 1 <= document["stock"] <= MOST_STOCK:
        return [BadCount(field="stock", least=1, most=MOST_STOCK)]
    return []
