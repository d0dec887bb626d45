"""Pictures: known by their hash, what they are by their first bytes, kept by whoever reads them."""

import hashlib

from tests.catalog.publishing.setting_up import A_CREDIT, kind_of, new_draft, propose
from tests.given import caller, given_programme, staff_token

PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 40
JPEG = b"\xff\xd8\xff\xe0" + b"j" * 40
WEBP = b"RIFF\x24\x00\x00\x00WEBP" + b"w" * 40


def test_a_picture_is_kept_once_and_seen_by_everybody(app, db):
    given_programme()
    editor = caller(app, staff_token("editor"))

    def send(content, media_type="image/png"):
        headers = {"Authorization": f"Bearer {editor.token}"}
        return editor.client.post(
            "/v1/offer-pictures", data=content, content_type=media_type, headers=headers
        )

    first, again, jpeg, webp = (send(content) for content in (PNG, PNG, JPEG, WEBP))
    wrong = [
        kind_of(send(content))
        for content in (
            b"",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"GIF89a",
            b"RIFF1234WAVE",
            b"<html>",
        )
    ]
    full = PNG + b"x" * (512 * 1024 - len(PNG))
    sizes = [kind_of(send(full)), kind_of(send(full + b"x")), kind_of(send(b"x" * 1_000_001))]
    seen = app.test_client().get(first.json["href"])
    same = app.test_client().get(first.json["href"], headers={"If-None-Match": seen.headers["ETag"]})

    assert first.json == again.json
    assert first.json["hash"] == hashlib.sha256(PNG).hexdigest()
    assert [one.json["media_type"] for one in (first, jpeg, webp)] == [
        "image/png",
        "image/jpeg",
        "image/webp",
    ]
    assert wrong == ["422 picture-kind-unknown"] * 5
    assert sizes == ["201", "422 picture-too-large", "413 too-large"]
    assert (seen.data, seen.headers["Content-Type"], seen.headers["X-Content-Type-Options"]) == (
        PNG,
        "image/png",
        "nosniff",
    )
    assert seen.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Set-Cookie" not in seen.headers
    assert (same.status_code, same.data) == (304, b"")
    assert app.test_client().get("/pictures/" + "0" * 64).status_code == 404
    assert app.test_client().get("/pictures/x").status_code == 404
    with_picture = new_draft(editor, A_CREDIT | {"pictures": [first.json["hash"]]}, kind="bill_credit")
    without = new_draft(editor, A_CREDIT | {"pictures": ["0" * 64]}, kind="bill_credit")
    assert (kind_of(propose(editor, with_picture.json)), kind_of(propose(editor, without.json))) == (
        "200",
        "422 picture-unknown",
    )
