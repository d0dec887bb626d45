"""Whatever a field of a draft is, the answer is the draft with its faults or a named refusal, never a fault of ours."""

import json

from catalog.publishing.schemas.requests import ContentField
from tests.catalog.publishing.setting_up import A_CREDIT, kind_of, propose
from tests.given import caller, given_programme, given_shop, staff_token

VALUES = (
    None, True, -1, 2**63 - 1, 2**63, 1.5, "x", "a\0b\ud800", "9999-12-31T23:59:59-12:00", [1], [{"percent": "x"}], {"en": "x"},
    {"from": 5, "until": "4"},
)  # fmt: skip


def begin(editor, content, code):
    """A draft from JSON as it is written, lone surrogates included."""
    body = {"programme": "gotone", "kind": "bill_credit", "code": code, "content": content}
    headers = {"Authorization": f"Bearer {editor.token}", "Idempotency-Key": code}
    kind = "application/json"
    return editor.client.post("/v1/offer-drafts", data=json.dumps(body), content_type=kind, headers=headers)


def test_any_value_in_any_field_is_answered(app, db):
    given_programme()
    given_shop("tea")
    editor, odd, number, drafts = caller(app, staff_token("editor")), {}, 0, []

    for field in ContentField().fields:
        for value in VALUES:
            number += 1
            content = A_CREDIT | {field: value}
            answer = begin(editor, content, f"c-{number}")
            if kind_of(answer) == "201":
                drafts.append((field, value, answer.json))
            elif kind_of(answer) != "422 invalid" or not answer.json["errors"][0]["pointer"].startswith(
                "/content"
            ):
                odd[field, str(value)[:40]] = kind_of(answer)
    for field, value, draft in drafts:
        answer = propose(editor, draft)
        said = kind_of(answer)
        open_steps = [step["step"] for step in draft["steps"] if not step["done"]]
        if answer.status_code >= 500 or (said == "200") != (not open_steps):
            odd[field, str(value)[:40], "proposed"] = said

    assert len(drafts) > 30
    assert odd == {}
