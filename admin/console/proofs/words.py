"""The words for proofs of services, with the tone of each."""

from base.web.i18n import lazy_gettext as _

FLAGS = {
    "contradicted": (_("Members did not confirm it"), "bad"),
    "unrecorded": (_("Part of it was not seen being used"), "wait"),
    "unheard": (_("Claimed without proof"), "bad"),
    "under-way": (_("Being read"), "wait"),
    "nothing": (_("Nothing was claimed"), "quiet"),
    "proved": (_("Proved"), "ok"),
}
ANSWERS = {
    "confirmed": (_("Confirmed"), "ok"),
    "not-confirmed": (_("Not confirmed"), "bad"),
    "no-answer": (_("No answer"), "wait"),
}
