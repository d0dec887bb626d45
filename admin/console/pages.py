"""Pages."""

from flask import Blueprint

blueprint = Blueprint("console_pages", __name__, template_folder="templates")
