"""docs/till.md is true: its samples are the files that are run here against a server, its tables are those of the code."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from werkzeug.serving import WSGIRequestHandler, make_server

from app.web import create_app
from base import clock, database, ids
from base.auth import signatures
from base.auth.signatures import ED25519, Key
from base.errors import every_problem
from base.http.problems import status_of
from base.webhooks import signing
from catalog.sandbox.cases import CASES
from catalog.vouchers import refusals
from merchants.terminals import clerks, pairing
from merchants.terminals.models import POS, SANDBOX
from tests.given import Shop, caller, given_member, given_offer, given_programme, given_shop, member_token
from tests.tills import paired

assert create_app  # imports every problem
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "docs" / "samples"
TEXT = (ROOT / "docs" / "till.md").read_text("utf-8")
SINGLE, MONEY, UNCLEAR = "TEST-0001-0000B", "TEST-0003-0000H", "TEST-0034-0000E"


def blocks(language: str = "") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def rows(title: str) -> list[list[str]]:
    """The cells of the table of a section."""
    section = re.search(rf"^## \d+\. {title}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert section
    found = [line.strip("| ").split(" | ") for line in section[1].splitlines() if line.startswith("| `")]
    assert found
    return found


class _Silent(WSGIRequestHandler):
    def log(self, type, message, *args):
        pass


@pytest.fixture
def base(app):
    """The application on a port of loopback."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
def shop(db) -> Shop:
    return given_shop(direct_accept=True)


def terminal(shop: Shop, kind: str, code: str = "tea-desk"):
    with database.begin() as session:
        return clerks.add_terminal(session, session.merge(shop.outlet, load=False), code, kind=kind)


def key_file(folder: Path, signer) -> Path:
    file = folder / "till.pem"
    file.write_bytes(signer.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


@pytest.fixture
def sandbox(shop, base, tmp_path) -> dict[str, str]:
    """The environment of a developer with a sandbox terminal."""
    signer = paired(terminal(shop, SANDBOX))
    return surroundings(base, tmp_path) | {
        "TERMINAL": signer.terminal,
        "KEY_FILE": str(key_file(tmp_path, signer)),
    }


def surroundings(base: str, folder: Path) -> dict[str, str]:
    return os.environ | {"BASE": base, "NO_PROXY": "*", "KEY_FILE": str(folder / "till.pem"), "CLERK": "01"}


def run(environment: dict[str, str], *words: str) -> tuple[int, dict]:
    python = words[0].endswith(".py")
    done = subprocess.run(
        [sys.executable if python else "sh", str(SAMPLES / words[0]), *words[1:]],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_samples_in_the_text_are_the_files_word_for_word():
    said = blocks("python") + blocks("sh")

    assert {file.read_text("utf-8") for file in SAMPLES.iterdir() if file.is_file()} == set(said)


def test_the_signing_vector_is_right():
    key, body, text, signature = blocks()[1:5]
    pem, _, public = key.strip().rpartition("\n")
    private = load_pem_private_key(pem.encode(), None)
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    method, target, _, timestamp, nonce, terminal_id = text.strip().split("\n")

    ours = signatures.text(
        method, target, body.strip().encode(), timestamp=timestamp, nonce=nonce, terminal=terminal_id
    )

    assert public == signatures.encoded(raw)
    assert ours == text.strip().encode()
    assert signatures.is_right(Key(ED25519, raw), signatures.decoded(signature.strip()), ours)
    assert signatures.encoded(private.sign(ours)) == signature.strip()


def test_the_table_of_refusals_is_that_of_the_code():
    known = {kind.type_name(): kind for kind in every_problem()}
    told = {cells[0].strip("`"): cells for cells in rows("Refusals")}
    needed = {name for name, kind in known.items() if kind.__module__ == refusals.__name__}
    needed |= {
        "still-running",
        "unavailable",
        "too-many-guesses",
        "terminal-refused",
        "replayed",
        "clerk-not-allowed",
    }
    needed |= {"code-misread", "void-too-late", "already-voided", "key-reused", "acceptance-unknown"}

    assert needed - set(told) == set()
    wrong = {
        name: cells
        for name, cells in told.items()
        if cells[1:4] != [str(status_of(known[name])), known[name].clerk_en or "-", known[name].then or "-"]
    }
    assert wrong == {}


def test_the_table_of_the_sandbox_is_that_of_the_code():
    told = {cells[0].strip("`"): cells[1] for cells in rows("Sandbox")}

    assert set(told) == {case.code for case in CASES}
    for case in CASES:
        if case.problem is not None:
            assert told[case.code].startswith(f"{case.when}: `{case.problem.type_name()}`"), case.code


def test_the_python_sample_walks_through_the_sandbox(sandbox):
    status, checked = run(sandbox, "till.py", "check", SINGLE)
    _, part = run(sandbox, "till.py", "sell", MONEY, "1240")
    _, direct = run(sandbox, "till.py", "direct", SINGLE)
    refused, used = run(sandbox, "till.py", "sell", SINGLE)
    _, undone = run(sandbox, "till.py", "void", direct["id"], "wrong item")
    _, nothing = run(sandbox, "till.py", "outcome", "never-sent")

    assert (status, checked["sandbox"], checked["units_left"]) == (0, True, 1)
    assert (part["units"], direct["sandbox"]) == (1240, True)
    assert (refused, used["type"]) == (1, "/problems/voucher-already-accepted")
    assert undone["acceptance"] == direct["id"]
    assert nothing["outcome"] == "none"


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl on this machine")
def test_the_curl_sample_walks_through_the_sandbox_and_a_repeated_key_is_one_sale(sandbox):
    _, checked = run(sandbox, "till.sh", "check", MONEY)
    _, first = run(sandbox, "till.sh", "accept", checked["check_token"], "sale-1", "1240")
    _, again = run(sandbox, "till.sh", "accept", checked["check_token"], "sale-1", "1240")
    _, outcome = run(sandbox, "till.sh", "outcome", "sale-1")
    _, direct = run(sandbox, "till.sh", "direct", SINGLE, "sale-2")
    _, undone = run(sandbox, "till.sh", "void", direct["id"], "undo-2", "wrong item")

    assert (first["units"], again, outcome["answer"]) == (1240, first, first)
    assert undone["acceptance"] == direct["id"]


def test_a_desk_is_paired_by_its_six_digits_and_takes_a_real_voucher(app, db, shop, base, tmp_path):
    programme = given_programme()
    member = caller(app, member_token(given_member(db, programme, points=100_000)))
    offer = given_offer(programme, "voucher", merchant_id=shop.merchant.merchant_id)
    code = member.voucher_code(member.redeem(offer).json)
    desk, environment = terminal(shop, POS), surroundings(base, tmp_path)
    with database.begin() as session:
        digits = pairing.open_for(session, db.secret_key, desk, clock.now())

    _, told = run(environment, "till.py", "pair", desk.code, digits)
    environment["TERMINAL"] = told["id"]
    _, accepted = run(environment, "till.py", "sell", code)
    _, undone = run(environment, "till.py", "void", accepted["id"], "wrong item")

    assert told["id"] == ids.public("trm", desk.terminal_id)
    assert (accepted["owed_fen"], undone["acceptance"]) == (900, accepted["id"])
    assert (tmp_path / "till.pem").stat().st_mode & 0o777 == 0o600


def sample(name: str, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> ModuleType:
    """A sample in this process, so that its waits can be watched."""
    for variable in ("BASE", "TERMINAL", "KEY_FILE", "CLERK", "NO_PROXY"):
        if variable in environment:
            monkeypatch.setenv(variable, environment[variable])
    spec = importlib.util.spec_from_file_location(f"sample_{name}", SAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_unclear_result_is_asked_for_again_with_the_same_key_by_the_rule(sandbox, monkeypatch):
    till, waited, sent = sample("till", monkeypatch, sandbox), [], []
    ask = till.ask
    monkeypatch.setattr(till.time, "sleep", waited.append)

    def lossy(method, target, told=None, key=None, **more):
        sent.append(key)
        answer = ask(method, target, told, key, **more)
        if key and len(sent) < 14:
            raise TimeoutError("lost on the way")  # after the server had done it
        return answer

    status, found = till.check(UNCLEAR)
    monkeypatch.setattr(till, "ask", lossy)
    status, answer = till.accept({"check_token": found["check_token"]}, [])

    assert waited == [5] * 5 + [40] * 8
    assert (len(sent), len(set(sent)), status) == (14, 1, 201)
    _, outcome = till.outcome(sent[0])
    assert outcome["answer"] == answer


def test_the_receivers_sample_believes_our_signature_and_nothing_else(monkeypatch):
    webhook, secret, body = sample("webhook", monkeypatch, {}), signing.fresh_secret(), b'{"id": "evt_1"}'
    now = int(clock.now().timestamp())
    headers = signing.headers([signing.fresh_secret(), secret], "evt_1", now, body)

    assert webhook.read(secret, headers, body) == {"id": "evt_1"}
    for told in (
        (signing.fresh_secret(), headers, body),
        (secret, headers, body + b" "),
        (secret, signing.headers([secret], "evt_1", now - 301, body), body),
    ):
        with pytest.raises(ValueError, match=r"too old|not signed"):
            webhook.read(*told)
