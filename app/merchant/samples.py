"""The samples of docs/till.md, with the address of this installation and a terminal's own id in them."""

from pathlib import Path

from base.errors import NotFound

NAMES = ("till.py", "till.sh", "webhook.py")
# In a checkout they lie with the documents; the wheel carries them beside this file.
FOLDERS = (Path(__file__).parent / "samples", Path(__file__).parents[2] / "docs" / "samples")
BASE, TERMINAL = "http://127.0.0.1:8080", "trm_YOURS"


class SampleUnknown(NotFound):
    """There is no such sample."""

    zh = "没有该示例。"


def filled(name: str, base: str, terminal: str = TERMINAL) -> str:
    """The text of a sample; SampleUnknown."""
    if name not in NAMES:
        raise SampleUnknown(name=name[:40])
    file = next(folder / name for folder in FOLDERS if (folder / name).exists())
    return file.read_text("utf-8").replace(BASE, base).replace(TERMINAL, terminal)
