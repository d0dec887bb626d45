"""Rules about dangerous code, read from the syntax tree of every file; each is shown a bad and a good example of its own.

They are what a scanner with rules in the repository would hold us to, without its eighty packages: each is a few lines, and
what it finds is a line of ours.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import pytest

from app.web import create_app  # imports every model
from base.database import Base
from tests.test_conventions import CODE, ROOT, name, tree

assert create_app
TEMPLATES = sorted(path for path in ROOT.rglob("templates/**/*.html") if ".venv" not in path.parts)
SCOPE_COLUMNS = {"member_id", "merchant_id", "outlet_id"}
SCOPED = {
    mapper.class_.__name__
    for mapper in Base.registry.mappers
    if SCOPE_COLUMNS & set(mapper.class_.__table__.columns.keys())
}
# (file, rule): why it is right there all the same.
REASONS = {
    ("admin/console/disputes/pages.py", "foreign-object"): "the dispute was found within the area before",
    ("admin/care/verify.py", "text-put-together"): "the parts are constants of the same file",
    ("admin/proofs/verify.py", "text-put-together"): "the parts are constants of the same file",
    ("app/safeguards.py", "text-put-together"): "the names of settings stand in the same file",
    ("app/member/uses.py", "foreign-object"): "the key is compared with the member who asks before",
}


@dataclass(frozen=True)
class Rule:
    """What is looked for in a file, in one sentence; `bad` is found and `good` is not."""

    sentence: str
    check: Callable[["File"], Iterator[int]]
    bad: str
    good: str
    only_views: bool = False


class File:
    """A file's syntax tree, walked once: its calls with their names, `owner.name` or `name`."""

    def __init__(self, module: ast.AST) -> None:
        self.nodes = list(ast.walk(module))
        self.calls = [(node, called(node)) for node in self.nodes if isinstance(node, ast.Call)]

    @property
    def is_view(self) -> bool:
        """It has routes: it takes `needs` or `open_to_all` of the guard."""
        return any(
            isinstance(node, ast.ImportFrom)
            and node.module == "base.auth.guard"
            and any(each.name in ("needs", "open_to_all") for each in node.names)
            for node in self.nodes
        )

    @cached_property
    def asked(self) -> list[tuple[ast.Call, str, set[str]]]:
        """Calls inside functions, with the names there that hold what came from outside."""
        found = []
        for function in self.nodes:
            if isinstance(function, ast.FunctionDef):
                known, inside = from_outside(function), File(function)
                found += [(node, of, known) for node, of in inside.calls]
        return found


def called(node: ast.AST) -> str:
    """`owner.name` or `name` of what is called; empty where it is no call."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    if isinstance(function, ast.Attribute):
        owner = function.value
        return f"{owner.id if isinstance(owner, ast.Name) else '*'}.{function.attr}"
    return function.id if isinstance(function, ast.Name) else ""


# What comes from outside


def from_outside(function: ast.FunctionDef) -> set[str]:
    """Names in a view that hold what was asked: text parameters, and what is reckoned from those, an id or the request."""
    known = {
        one.arg
        for one in function.args.args
        if isinstance(one.annotation, ast.Name) and one.annotation.id == "str"
    }
    given = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
    for _ in range(2):  # names that follow from names
        for node in given:
            if is_outside(node.value, known):
                known |= {
                    n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)
                }
    return known


def is_outside(node: ast.AST, known: set[str]) -> bool:
    """Whether a value is what was asked, or a number parsed of it; what another function found is that one's to answer for."""
    if isinstance(node, ast.Call):
        parses = called(node) in ("ids.parse", "int", "str")
        return parses and any(is_outside(each, known) for each in node.args)
    if isinstance(node, ast.Name):
        return node.id in known or node.id == "request"
    return any(is_outside(child, known) for child in ast.iter_child_nodes(node))


def looked_up_by_what_was_asked(file: File) -> Iterator[int]:
    for call, of, known in file.asked:
        if of in ("session.get", "session.get_one") and len(call.args) > 1:
            kind = call.args[0]
            if isinstance(kind, ast.Name) and kind.id in SCOPED and is_outside(call.args[1], known):
                yield call.lineno


def bare_select(file: File) -> Iterator[int]:
    narrowed = {id(node.func.value) for node, _ in file.calls if isinstance(node.func, ast.Attribute)}
    within = {id(each) for node, of in file.calls if "within" in of for each in node.args}
    for call, of in file.calls:
        scoped = of == "select" and any(
            isinstance(each, ast.Name) and each.id in SCOPED for each in call.args
        )
        if scoped and id(call) not in narrowed | within:
            yield call.lineno


# Words that become code


def put_together(node: ast.AST) -> bool:
    """A text made at this place of parts that are no constants: an f-string, %, + or format with names in lower case."""
    if isinstance(node, ast.JoinedStr):
        values = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        return any(not _is_constant(value) for value in values)
    if isinstance(node, ast.BinOp):
        return not (_is_constant(node.left) and _is_constant(node.right))
    return isinstance(node, ast.Call) and called(node).endswith(".format")


def _is_constant(node: ast.AST) -> bool:
    last = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)
    return isinstance(node, ast.Constant) or (last is not None and last.isupper())


def sql_of_what_was_asked(file: File) -> Iterator[int]:
    for call, of, known in file.asked:
        runs = (
            of.rpartition(".")[2] in ("text", "execute", "exec_driver_sql", "scalar", "scalars") and call.args
        )
        if runs and put_together(call.args[0]) and is_outside(call.args[0], known):
            yield call.lineno


def text_put_together(file: File) -> Iterator[int]:
    for call, of in file.calls:
        if of in ("text", "sa.text", "sqlalchemy.text") and call.args and put_together(call.args[0]):
            yield call.lineno


def templates_of_words(file: File) -> Iterator[int]:
    for call, of in file.calls:
        if of.rpartition(".")[2] in ("render_template_string", "from_string"):
            yield call.lineno


def markup_of_what_was_asked(file: File) -> Iterator[int]:
    if not any(of.rpartition(".")[2] == "Markup" for _, of in file.calls):
        return
    for call, of, known in file.asked:
        marks = of.rpartition(".")[2] == "Markup" and call.args
        if marks and (put_together(call.args[0]) or is_outside(call.args[0], known)):
            yield call.lineno


def shell(file: File) -> Iterator[int]:
    for call, of in file.calls:
        words = {word.arg: word.value for word in call.keywords}
        by_shell = of.startswith("subprocess.") and getattr(words.get("shell"), "value", "shell" in words)
        if by_shell or of in ("os.system", "os.popen", "eval", "exec"):
            yield call.lineno


def unpacked_from_outside(file: File) -> Iterator[int]:
    for call, of in file.calls:
        unpacks = of in ("pickle.loads", "pickle.load", "marshal.loads", "yaml.load", "yaml.unsafe_load")
        if unpacks and not (call.args and called(call.args[0]) == "pickle.dumps"):
            yield call.lineno


def path_of_what_was_asked(file: File) -> Iterator[int]:
    for call, of, known in file.asked:
        opens = of in ("open", "Path", "send_file", "send_from_directory")
        if opens and any(is_outside(each, known) for each in call.args):
            yield call.lineno


def sent_on_to_what_was_asked(file: File) -> Iterator[int]:
    for call, of in file.calls:
        if of == "redirect" and call.args:
            to = ast.unparse(call.args[0])
            if to.startswith("request.") and to not in ("request.path", "request.full_path"):
                yield call.lineno


def weak_chance(file: File) -> Iterator[int]:
    """`random.x()` of the module; a seeded `random.Random(...)` is for simulations and samples that are drawn again."""
    its_own = any(isinstance(node, ast.Import) and node.names[0].name == "random" for node in file.nodes)
    for call, of in file.calls:
        if its_own and of.startswith("random.") and of != "random.Random":
            yield call.lineno
    for node in file.nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "random" and node.names[0].name != "Random":
            yield node.lineno


def compared_openly(file: File) -> Iterator[int]:
    """`==` with a keyed digest, which tells by its time how much of a guess was right."""
    if any(of.startswith("hmac.") for _, of in file.calls):
        for node in file.nodes:
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                said = ast.unparse(node)
                if "hmac.new(" in said or "hmac.digest(" in said:
                    yield node.lineno


RULES = {
    "foreign-object": Rule(
        "A view looks nothing of a member or merchant up by an id that was asked; a scope's `find` does.",
        looked_up_by_what_was_asked,
        "def view(merchant: str):\n  key = ids.parse('mer', merchant, parts=1)[0]\n  return session.get(Merchant, key)",
        "def view(merchant: str):\n  row = scope.find(session, current(), merchant)\n  return session.get(Merchant, row.merchant_id)",
        only_views=True,
    ),
    "bare-select": Rule(
        "A view selects no members' or merchants' rows without narrowing them.",
        bare_select,
        "rows = session.scalars(select(Acceptance))",
        "rows = session.scalars(select(Acceptance).where(Acceptance.member_id == me))",
        only_views=True,
    ),
    "sql-of-input": Rule(
        "No statement is put together with what was asked in it.",
        sql_of_what_was_asked,
        "def find(session, name: str):\n  session.execute(f\"select * from member where name = '{name}'\")",
        "def find(session, name: str):\n  session.execute('select * from member where name = %s', (name,))",
        only_views=True,
    ),
    "text-put-together": Rule(
        "`text()` takes words that stand in the source; what is put in is a constant in capitals.",
        text_put_together,
        "text(f'select * from {table}')",
        "text(f'{_WHO} limit {MOST}')",
    ),
    "template-of-words": Rule(
        "A page is rendered from a file, never from words.",
        templates_of_words,
        "render_template_string(request.args['x'])",
        "render_template('x.html', x=request.args['x'])",
    ),
    "markup-of-input": Rule(
        "Nothing that was asked, and nothing put together here, is called markup.",
        markup_of_what_was_asked,
        "def view(name: str):\n  return Markup(f'<b>{name}</b>')",
        "def view(name: str):\n  return Markup('<b>{}</b>').format(name)",
    ),
    "shell": Rule(
        "No shell, no eval.",
        shell,
        "subprocess.run(f'ls {folder}', shell=True)",
        "subprocess.run(['ls', folder])",
    ),
    "unpacked": Rule(
        "Nothing is unpickled but what this process packed itself.",
        unpacked_from_outside,
        "pickle.loads(request.data)",
        "pickle.loads(pickle.dumps(error))",
    ),
    "path-of-input": Rule(
        "No file is opened by a name that was asked.",
        path_of_what_was_asked,
        "def view(name: str):\n  return send_file(name)",
        "def view(name: str):\n  return pictures.find(session, name)",
        only_views=True,
    ),
    "redirect-to-input": Rule(
        "Nobody is sent on to an address that came with the request.",
        sent_on_to_what_was_asked,
        "redirect(request.args.get('next'), 303)",
        "redirect(url_for('.one', offer=offer), 303)",
    ),
    "weak-chance": Rule(
        "What must not be guessed comes from `secrets`.",
        weak_chance,
        "import random\ncode = random.randrange(10**6)",
        "import random\ndraw = random.Random(seed)",
    ),
    "compared-openly": Rule(
        "Keyed digests are compared in constant time.",
        compared_openly,
        "ok = hmac.new(key, text, 'sha256').hexdigest() == given",
        "ok = hmac.compare_digest(hmac.new(key, text, 'sha256').hexdigest(), given)",
    ),
}


@pytest.mark.attack("A1", "A16")
def test_no_code_breaks_a_rule():
    found, views = [], 0
    for path in CODE:
        file = File(tree(path))
        views += (is_view := file.is_view)
        for key, rule in RULES.items():
            if (is_view or not rule.only_views) and (name(path), key) not in REASONS:
                found += [f"{name(path)}:{line} {key}: {rule.sentence}" for line in rule.check(file)]

    assert "\n".join(found) == ""
    assert views > 100


@pytest.mark.parametrize("key", RULES)
def test_a_rule_finds_its_bad_example_and_lets_the_good_one_be(key):
    rule = RULES[key]

    assert list(rule.check(File(ast.parse(rule.bad))))
    assert not list(rule.check(File(ast.parse(rule.good))))


@pytest.mark.attack("A13", "A16")
def test_no_template_calls_anything_safe_but_words_of_its_own():
    unsafe = re.compile(r"(?<!')\|\s*safe\b|\{%-?\s*autoescape\s+false")

    found = [
        f"{path.relative_to(ROOT)}: {line.strip()[:80]}"
        for path in TEMPLATES
        for line in path.read_text("utf-8").splitlines()
        if unsafe.search(re.sub(r"('[^'{}]*'|drawings\.get\([^)]*\))\s*\|\s*safe", "", line))
    ]

    assert len(TEMPLATES) > 100
    assert "\n".join(found) == ""
    assert unsafe.search("{{ name|safe }}")
