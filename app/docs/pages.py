"""Pages about the product itself: the API as it runs, and what each named problem means."""

import re
from typing import Any

from flask import Blueprint, Flask, current_app, render_template, request
from flask.typing import ResponseReturnValue

from app.docs import description
from base.auth import guard
from base.auth.guard import open_to_all
from base.errors import NotFound, every_problem
from base.http.problems import status_of

blueprint = Blueprint("docs_pages", __name__, template_folder="templates")


class ProblemTypeUnknown(NotFound):
    """There is no named problem of this type."""

    zh = "没有这种类型的问题。"
    next_en, next_zh = "Look at the list of all named problems.", "请查看全部问题的列表。"


@blueprint.route("/docs", strict_slashes=False)
@open_to_all
def api() -> ResponseReturnValue:
    """Every operation of the API: who may call it, what it takes, what it answers, how to try it."""
    spec, rules = _spec(current_app), _endpoints(current_app)

    def permission_of(method: str, path: str) -> str:
        return guard.permission_of(current_app, rules[method.upper(), path]) or ""

    groups = description.groups(spec, permission_of, request.host_url.rstrip("/"))
    schemas = description.schemas(spec, groups)
    return render_template("docs/api.html", info=spec["info"], groups=groups, schemas=schemas)


@blueprint.route("/problems", strict_slashes=False)
@open_to_all
def problems() -> ResponseReturnValue:
    """All named problems of the running program."""
    return render_template(
        "problems/index.html", problems=[(kind, status_of(kind)) for kind in every_problem()]
    )


@blueprint.route("/problems/<name>")
@open_to_all
def problem(name: str) -> ResponseReturnValue:
    """One named problem; ProblemTypeUnknown."""
    for kind in every_problem():
        if kind.type_name() == name:
            return render_template("problems/page.html", kind=kind, status=status_of(kind))
    raise ProblemTypeUnknown(name=name[:64])


def _spec(app: Flask) -> dict[str, Any]:
    """The OpenAPI description that the app itself serves at /openapi.json."""
    apis = app.extensions["flask-smorest"]["apis"]
    spec: dict[str, Any] = apis[""]["ext_obj"].spec.to_dict()
    return spec


def _endpoints(app: Flask) -> dict[tuple[str, str], str]:
    """Method and address, as the description writes them, to the view's name."""
    return {
        (method, re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule)): rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
