"""JSON of segments, their rules, previews and members."""

from typing import Any

import marshmallow as ma
from sqlalchemy.orm import Session

from base import ids
from base.http.api import Request, Text, View, WholeNumber
from base.money import MAX_FEN
from points import programmes
from points.factors import TIER_CODE
from points.groups.models import CLASSES, RANKS
from points.members import areas
from points.members.areas import AREA
from points.members.attributes import HIGHEST_RISK
from points.members.models import MemberFacts
from points.segments import rules, words
from points.segments.models import SegmentMember, SegmentRun, SegmentVersion
from points.segments.rules import KINDS, STATES, Conditions, Rule
from points.segments.segments import Preview, Shown, reference

MOST_VALUES = 50
MOST_MONTHS = 1_200
BANDS = (
    ("arpu_from_fen", "arpu_below_fen"),
    ("tenure_from_months", "tenure_below_months"),
)


def _several(field: ma.fields.Field[Any], description: str) -> "ma.fields.List[Any]":
    return ma.fields.List(
        field,
        load_default=list,
        validate=ma.validate.Length(max=MOST_VALUES),
        metadata={"description": f"one of them is enough; {description}"},
    )


def _choices(names: tuple[str, ...], description: str) -> "ma.fields.List[Any]":
    return _several(ma.fields.String(validate=ma.validate.OneOf(names)), description)


class ConditionsRequest(Request):
    """What is asked of a member: all of it must be true."""

    programmes = _several(Text(most=64), "codes of programmes (brands)")
    kinds = _choices(KINDS, "person, group, contact (of a group)")
    classes = _choices(
        CLASSES, "of a group, or of the group that somebody is a contact of: top (百强), a, b, c"
    )
    ranks = _choices(RANKS, "of a group's contact: senior (高层领导), middle (中层领导), ordinary (普通成员)")
    areas = _several(
        ma.fields.String(validate=ma.validate.Regexp(AREA.pattern + r"\Z")),
        "codes of provinces, cities or counties, each with all that lies in it",
    )
    tiers = _several(
        ma.fields.String(validate=ma.validate.Regexp(TIER_CODE.pattern + r"\Z")), "codes of tiers"
    )
    interests = _several(Text(most=64), "interests, of those who agreed to their use")
    lines = _choices(tuple(map(str, STATES)), "the state of the line; whoever has left is in no segment")
    birthday_months = _several(WholeNumber(least=1, most=12), "1 to 12")
    birthday_this_month = ma.fields.Boolean(truthy={True}, falsy={False}, load_default=False)
    arpu_from_fen = WholeNumber(most=MAX_FEN, metadata={"description": "the middle bill, this included"})
    arpu_below_fen = WholeNumber(most=MAX_FEN, metadata={"description": "this excluded"})
    risk_at_least = WholeNumber(most=HIGHEST_RISK, metadata={"description": "stars; see adds_only"})
    risk_at_most = WholeNumber(most=HIGHEST_RISK)
    tenure_from_months = WholeNumber(most=MOST_MONTHS, metadata={"description": "full months, this included"})
    tenure_below_months = WholeNumber(most=MOST_MONTHS, metadata={"description": "this excluded"})

    @ma.validates_schema
    def _bands_are_not_empty(self, said: dict[str, Any], **more: Any) -> None:
        for least, below in BANDS:
            if said.get(below) is not None and said[below] <= said.get(least, 0):
                raise ma.ValidationError("nothing lies below it", below)
        if said.get("risk_at_most", HIGHEST_RISK) < said.get("risk_at_least", 0):
            raise ma.ValidationError("is less than risk_at_least", "risk_at_most")


class RuleRequest(ConditionsRequest):
    """Whom a segment is for; `not`: whoever meets all of that is left out."""

    but_not = ma.fields.Nested(ConditionsRequest, data_key="not")


class NamesRequest(Request):
    """A name in both languages."""

    zh = Text(required=True, most=80, data_key="zh-CN")
    en = Text(required=True, most=80)


class SegmentRequest(Request):
    """A new segment; its rule counts from today on."""

    code = Text(required=True, most=64, metadata={"description": "small letters, digits and dashes"})
    names = ma.fields.Nested(NamesRequest, required=True)
    rule = ma.fields.Nested(RuleRequest, required=True)


class VersionRequest(Request):
    """Another rule from a day on."""

    from_day = ma.fields.Date(required=True)
    rule = ma.fields.Nested(RuleRequest, required=True)


class PreviewRequest(Request):
    """A rule to be tried."""

    rule = ma.fields.Nested(RuleRequest, required=True)


class RunView(View):
    """A refresh: how many came, went, stayed."""

    as_of = ma.fields.String()
    at = ma.fields.String()
    came = ma.fields.Integer()
    went = ma.fields.Integer()
    stayed = ma.fields.Integer()
    members = ma.fields.Integer()


class VersionView(View):
    """A rule, from which day on, and what it asks in words."""

    from_day = ma.fields.String()
    rule = ma.fields.Dict()
    words = ma.fields.List(ma.fields.Dict())
    adds_only = ma.fields.Boolean(
        metadata={"description": "asks for the risk grade: only care and offers may be made of it"}
    )


class SegmentView(VersionView):
    """A segment with the rule in force and its last refresh."""

    id = ma.fields.String()
    code = ma.fields.String()
    names = ma.fields.Dict()
    ended_at = ma.fields.String(allow_none=True)
    refresh = ma.fields.Nested(RunView, allow_none=True)


class SegmentsView(View):
    """A page of segments."""

    data = ma.fields.List(ma.fields.Nested(SegmentView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class OneSegmentView(SegmentView):
    """A segment with all its versions and its last refreshes."""

    versions = ma.fields.List(ma.fields.Nested(VersionView))
    refreshes = ma.fields.List(ma.fields.Nested(RunView))


class SampleView(View):
    """A member, masked."""

    member = ma.fields.String()
    kind = ma.fields.String()
    area = ma.fields.String()


class PreviewView(View):
    """Whom a rule would take in now, as far as the asker may see them."""

    count = ma.fields.Integer()
    sample = ma.fields.List(ma.fields.Nested(SampleView))
    words = ma.fields.List(ma.fields.Dict())
    adds_only = ma.fields.Boolean()


class SegmentMemberView(View):
    """A member of a segment, and since which refresh."""

    member = ma.fields.String()
    since = ma.fields.String()


class SegmentMembersView(View):
    """A page of a segment's members."""

    data = ma.fields.List(ma.fields.Nested(SegmentMemberView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def rule_of(asked: dict[str, Any]) -> Rule:
    """The rule that was sent."""
    without = asked.get("but_not") or {}
    return Rule(_conditions({n: v for n, v in asked.items() if n != "but_not"}), _conditions(without))


def _conditions(asked: dict[str, Any]) -> Conditions:
    return rules.read({n: v for n, v in asked.items() if v is not None}).who


def segment_view(session: Session, shown: Shown) -> dict[str, Any]:
    """The segment as SegmentView; plain JSON, for it is stored with the idempotency key."""
    segment = shown.segment
    return version_view(session, shown.version) | {
        "id": reference(segment),
        "code": segment.code,
        "names": segment.names,
        "ended_at": segment.ended_at.isoformat() if segment.ended_at else None,
        "refresh": run_view(shown.run) if shown.run else None,
    }


def version_view(session: Session, version: SegmentVersion) -> dict[str, Any]:
    """The version as VersionView."""
    return {
        "from_day": str(version.from_day),
        "rule": version.rule,
        "words": rule_words(session, rules.read(version.rule)),
        "adds_only": version.adds_only,
    }


def rule_words(session: Session, rule: Rule) -> list[dict[str, str]]:
    """What a rule asks, in words, with the names of areas and programmes."""
    named = {code: areas.name(session, code) or {} for code in (*rule.who.areas, *rule.but_not.areas)}
    brands = {one.code: one.names for one in programmes.every(session)}
    return words.told(rule, named, brands)


def run_view(run: SegmentRun) -> dict[str, Any]:
    """The refresh as RunView."""
    return {
        "as_of": str(run.as_of),
        "at": run.began_at.isoformat(),
        "came": run.came,
        "went": run.went,
        "stayed": run.stayed,
        "members": run.came + run.stayed,
    }


def preview_view(session: Session, found: Preview, rule: Rule) -> dict[str, Any]:
    """The preview as PreviewView."""
    return {
        "count": found.count,
        "sample": [sample_view(one) for one in found.sample],
        "words": rule_words(session, rule),
        "adds_only": rule.adds_only,
    }


def sample_view(one: MemberFacts) -> dict[str, Any]:
    """A member of a sample."""
    return {"member": ids.public("mbr", one.member_id), "kind": one.kind, "area": one.area}


def member_view(row: SegmentMember) -> dict[str, Any]:
    """A membership as SegmentMemberView."""
    return {"member": ids.public("mbr", row.member_id), "since": row.since.isoformat()}
