"""The page about the ledger and its alphabet say the same."""

import re
from pathlib import Path

from points.kinds import GIVES, SIDES, TAKES, Kind

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ledger.md"


def test_the_page_names_every_deed_with_its_classes_and_what_it_does_to_lots():
    told = re.findall(
        r"^\| (\d+) `(\w+)` \| (\w+) \| (\w+) \| ([\w-]+) \|", PAGE.read_text("utf-8"), re.MULTILINE
    )

    assert told == [
        (str(int(kind)), kind.name, source.name, target.name, _lots(kind))
        for kind, (source, target) in SIDES.items()
    ]


def _lots(kind: Kind) -> str:
    return "takes" if kind in TAKES else "gives" if kind in GIVES else "-"
