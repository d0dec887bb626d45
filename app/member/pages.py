"""Pages."""

from flask import Blueprint

blueprint = Blueprint("member_pages", __name__, template_folder="templates")
