"""Pages."""

from flask import Blueprint

blueprint = Blueprint("till_pages", __name__, template_folder="templates")
