"""JSON of pictures."""

import marshmallow as ma

from base.http.api import View


class PictureView(View):
    """A picture that is kept."""

    hash = ma.fields.String(metadata={"description": "SHA-256 of its bytes; offers name it"})
    media_type = ma.fields.String()
    href = ma.fields.String()
