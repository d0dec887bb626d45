"""Pages."""

from flask import Blueprint

blueprint = Blueprint("docs_pages", __name__, template_folder="templates")
