"""What is wrong or missing in a draft, put to the fields and steps of the editor; and two contents side by side."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from admin.console.offer_drafts import parts
from base.errors import Problem
from base.web.i18n import current_language
from catalog.publishing.steps import STEPS, Step


@dataclass
class Told:
    """Of one step: the faults by the field that they are about; what is about none of them."""

    by_field: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return not self.by_field and not self.others


def of(steps: Iterable[Step], kind: str, *, is_new: bool) -> dict[str, Told]:
    """Every fault at the step where it is mended."""
    places = dict(parts.places(kind, is_new=is_new))
    found = {step: Told() for step in STEPS}
    for step in steps:
        for fault in step.faults:
            name = str(fault.facts.get("field", "")).replace("/", ".")
            path = next((one for one in _candidates(name) if one in places), None)
            if path is None:
                found[step.name].others.append(sentence(fault))
            else:
                found[places[path]].by_field.setdefault(path, sentence(fault))
    return found


def sentence(fault: Problem) -> str:
    """What a fault says in the reader's language; the reason in detail is in English alone."""
    language, why = current_language(), fault.facts.get("why")
    title = fault.title(language)
    return f"{title} ({why})" if why and language == "en" else title


def _candidates(name: str) -> Iterator[str]:
    """The fields that a fault may be about: the one that it names, the one around it, one of its kind's or of its conditions."""
    while name:
        yield from (name, f"form.{name}", f"eligibility.{name}")
        if name in ("names", "texts", "terms"):
            yield f"{name}.{current_language()}"
        if name == "form":
            yield "form.type"
        name = name.rpartition(".")[0]
