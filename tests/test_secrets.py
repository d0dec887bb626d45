"""No secret lies in the tree or in its history: a quick look for known shapes each time, every detector in the long run."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT

# What a secret that opens something looks like. Words of tests that only look alike are told apart by their length.
SHAPES = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\\?\n?[A-Za-z0-9+/=\s\\]{40}",
    "a live key of Stripe": r"\b[sr]k_live_[0-9A-Za-z]{16}",
    "a secret of a webhook": r"\bwhsec_[0-9A-Za-z+/]{24}",
    "a key of AWS": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a token of GitHub": r"\bgh[pousr]_[0-9A-Za-z]{36}\b",
    "a token of Slack": r"\bxox[abprs]-[0-9A-Za-z-]{10}",
    "a token of GitLab or PyPI": r"\b(?:glpat-[0-9A-Za-z_-]{20}|pypi-AgEI[0-9A-Za-z_-]{20})",
    "a signed token": r"\beyJ[\w-]{16,}\.eyJ[\w-]{16,}\.[\w-]{16,}",
    "a key of ours": r"\bjk_[0-9a-f]{16}_?[0-9A-Za-z_-]{20}",
    "a password in an address": r"://[a-z][\w-]*:(?!password@|secret@|x@)[^\s/:@{}$%<>\"']{8,}@",
    "a password in words": r"""(?:assword|asswd|ecret|pi_?[kK]ey|oken)["']?\s*[:=]\s*["'](?=[^"']*\d)(?=[^"']*[A-Z])[A-Za-z0-9+/=_-]{28,}["']""",
}
LOOK = re.compile("|".join(f"(?:{shape})" for shape in SHAPES.values()))
# Without one of these a file has none of the shape: most files are not looked at closely.
MARKS = {
    "a private key": ("PRIVATE KEY-----",),
    "a live key of Stripe": ("k_live_",),
    "a secret of a webhook": ("whsec_",),
    "a key of AWS": ("AKIA", "ASIA"),
    "a token of GitHub": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    "a token of Slack": ("xox",),
    "a token of GitLab or PyPI": ("glpat-", "pypi-AgEI"),
    "a signed token": ("eyJ",),
    "a key of ours": ("jk_",),
    "a password in an address": ("://",),
    "a password in words": tuple(
        f"{word}{gap}{sign}"
        for word in ("word", "wd", "ecret", "key", "oken")
        for gap in ("", " ", '"', '": ', "'", "': ")
        for sign in ("=", ":", '"', "'")
    ),
}
# Secrets of nobody, which stand here to be shown or refused: (end of the file's name, what of it).
SHOWN = {
    ("docs/till.md", "BEGIN PRIVATE KEY"),
    ("tests/admin/staff/test_signing_in.py", "JBSWY3DPEHPK3PXP"),
    ("tests/data/stripe/fixtures3-extract.json", "_sec"),  # published examples
    ("tests/test_secrets.py", ""),
}
NOT_OURS = ("requirements.lock", "base/web/static/vendor/")


def files() -> Iterator[tuple[str, str]]:
    told = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in told.split("\0"):
        path = ROOT / name
        if name and not name.startswith(NOT_OURS) and path.is_file():
            yield name, path.read_bytes().decode("utf-8", "ignore")


def is_shown(name: str, found: str) -> bool:
    return any(name.endswith(end) and what in found for end, what in SHOWN)


@pytest.fixture(scope="module")
def tree() -> list[tuple[str, str]]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git working tree: the data is not here")
    return list(files())


@pytest.mark.attack("A19")
def test_no_secret_lies_in_the_tree(tree):
    found = [
        f"{name}: {hit.group()[:40]}"
        for name, said in tree
        for shape, marks in MARKS.items()
        if any(mark in said for mark in marks)
        for hit in re.finditer(SHAPES[shape], said)
        if not is_shown(name, hit.group())
    ]

    assert len(tree) > 1_000
    assert "\n".join(found) == ""


PLANTED = {
    "a private key": "-----BEGIN EC PRIVATE KEY-----\n" + "MHcCAQEEI" * 6,
    "a live key of Stripe": "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "a secret of a webhook": "wh" + "sec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "a key of AWS": "AKIA" + "IOSFODNN7EXAMPLE",
    "a token of GitHub": "gh" + "p_" + "a" * 36,
    "a token of Slack": "xox" + "b-1234567890-abc",
    "a token of GitLab or PyPI": "gl" + "pat-" + "a1B2" * 5,
    "a signed token": ".".join(("eyJ" + "a" * 20, "eyJ" + "b" * 20, "c" * 30)),
    "a key of ours": "jk_" + "0123456789abcdef" + "_" + "Zz9" * 8,
    "a password in an address": "postgresql://app:" + "hunter2hunter2" + "@db/jifen",
    "a password in words": 'api_key = "' + "Zz9" * 12 + '"',
}


@pytest.mark.attack("A19")
@pytest.mark.parametrize("shape", SHAPES)
def test_a_planted_secret_of_each_shape_is_found(shape):
    said = f"x = {PLANTED[shape]}\n"

    assert LOOK.search(said)
    assert re.search(SHAPES[shape], said)
    assert any(mark in said for mark in MARKS[shape])


@pytest.mark.torture
@pytest.mark.attack("A19")
def test_no_secret_lies_in_the_history_by_any_detector():
    """Every line that was ever added, by our shapes and by all of detect-secrets' that look for a shape."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    known = get_mapping_from_secret_type_to_class().values()
    wordy = {"KeywordDetector", "IPPublicDetector"}  # they find names of variables and addresses of examples
    rules = [
        rule
        for one in known
        if issubclass(one, RegexBasedDetector) and one.__name__ not in wordy
        for rule in one().denylist
    ]
    log = subprocess.run(
        ["git", "log", "-p", "-U0", "--no-color", "--no-ext-diff", "--", ".", *(f":!{one}" for one in NOT_OURS)],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode("utf-8", "ignore")  # fmt: skip
    name, found, lines = "", set(), 0
    for line in log.splitlines():
        if line.startswith("+++ "):
            name = line[6:]
        elif line.startswith("+"):
            lines += 1
            hits = {hit.group() for rule in (LOOK, *rules) if (hit := rule.search(line))}
            found |= {
                f"{name}: {hit[:60]}" for hit in hits if not (is_shown(name, line) or is_harmless(name, hit))
            }

    assert lines > 100_000
    assert found == set()


def is_harmless(name: str, hit: str) -> bool:
    """What detectors take for a secret and is none: the head of a key that tests make, passwords of addresses that are refused."""
    heads = hit.strip("-").startswith("BEGIN") and (name.startswith("tests/") or name.startswith("docs/"))
    refused = any(word in hit for word in ("://nobody:x@", ":password@", "://me:secret@", "://user:pass"))
    return heads or refused or "_the_" in hit
