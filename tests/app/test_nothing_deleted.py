"""No route deletes or replaces anything: not the API, not a page, and the console changes nobody's data at all."""

READING_AND_DOING = {"GET", "HEAD", "OPTIONS", "POST"}


def methods(app):
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_no_route_takes_delete_put_or_patch(app):
    assert {place for place in methods(app) if place[0] not in READING_AND_DOING} == set()


def test_no_route_is_named_after_deleting(app):
    words = ("delete", "remove", "purge", "erase", "drop")

    assert [rule for _, rule in methods(app) if any(word in rule for word in words)] == []
