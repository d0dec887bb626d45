"""What goes in and out of imports over HTTP."""

import marshmallow as ma

from admin.intake.kinds import KINDS
from base.http.api import Request, Text, View


class ImportQuery(Request):
    """What a file is, beside its bytes."""

    programme = Text(most=64, required=True, metadata={"description": "code of the programme"})
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(list(KINDS)))
    name = Text(most=100, load_default="file.csv", metadata={"description": "what the file is called"})
    columns = Text(
        most=20_000,
        load_default=None,
        metadata={
            "description": "JSON object: name of a column in the file -> ours; left out: as you mapped the last file with "
            "these columns, else by their names"
        },
    )


class JobView(View):
    """Long work and how far it is."""

    id = ma.fields.String()
    what = ma.fields.String(metadata={"description": "try (a dry run), commit or undo"})
    state = ma.fields.String(metadata={"description": "waiting, running, done, failed, cancelled"})
    done = ma.fields.Integer(metadata={"description": "rows; a commit and an undo check all of them first"})
    total = ma.fields.Integer()
    eta_seconds = ma.fields.Integer(allow_none=True, metadata={"description": "null: cannot be told yet"})
    rows_per_second = ma.fields.Integer(allow_none=True)
    warnings = ma.fields.List(
        ma.fields.String(), metadata={"description": "rows-refused, same-file-taken-in-before"}
    )
    problem = ma.fields.String(allow_none=True, metadata={"description": "type of the problem that ended it"})
    result_url = ma.fields.String()
    error_file_url = ma.fields.String(allow_none=True)
    asked_at = ma.fields.String()
    ended_at = ma.fields.String(allow_none=True)


class ImportReportView(View):
    """What a dry run says that a file would bring, what it brought, or (`new`) what of it was taken back."""

    read = ma.fields.Integer()
    new = ma.fields.Integer()
    changed = ma.fields.Integer()
    same = ma.fields.Integer()
    bad = ma.fields.Integer()
    differences = ma.fields.List(
        ma.fields.Dict(), metadata={"description": "the first 50: line of the file, columns that change"}
    )
    errors = ma.fields.List(
        ma.fields.Dict(), metadata={"description": "the first 50: line of the file, reason"}
    )
    control_totals = ma.fields.Dict(
        metadata={"description": "points by name, and what else a kind of file adds up"}
    )


class ImportView(View):
    """A file that was sent, its last job, and what that found."""

    id = ma.fields.String()
    programme = ma.fields.String()
    kind = ma.fields.String()
    name = ma.fields.String()
    rows = ma.fields.Integer()
    sha256 = ma.fields.String()
    sent_at = ma.fields.String()
    columns = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    job = ma.fields.Nested(JobView, allow_none=True)
    report = ma.fields.Nested(ImportReportView, allow_none=True)
