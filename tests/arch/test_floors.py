"""The house: imports go down the floors only, and nothing grows too large to read."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "trackdesk"

MAY_IMPORT: dict[str, set[str]] = {
    "domain": set(),
    "sdk": set(),
    "lag": set(),
    "settings": {"sdk"},
    "store": {"domain"},
    "contract": {"domain"},
    "engine": {"domain", "store"},
    "client": {"domain", "contract"},
    "widgets": {"domain"},
    "server": {"domain", "store", "engine", "contract"},
    "screens": {"domain", "contract", "client", "widgets"},
    "console": {"domain", "contract", "client", "widgets", "screens", "settings", "lag", "sdk"},
    "runtime": {"domain", "store", "engine", "contract", "server", "settings", "lag", "sdk"},
    "demo": {"domain", "contract", "client", "settings", "sdk"},
    "cli": {
        "domain",
        "store",
        "engine",
        "contract",
        "client",
        "widgets",
        "console",
        "demo",
        "runtime",
        "settings",
        "sdk",
        "lag",
    },
    "__init__": {"sdk"},
    "__main__": {"cli"},
}
"""Room → the rooms it may import besides itself. `console` never sees the server; `runtime` alone wires it."""

MAX_FILE, MAX_CLASS, MAX_FUNCTION = 400, 250, 60


@cache
def _files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def _imports(tree: ast.Module) -> list[tuple[int, str]]:
    """(line, dotted name) of every import of ours, deferred and type-only ones too: who knows whom."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names if alias.name.split(".")[0] == "trackdesk"]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "trackdesk":
            whole = [node.module] if node.module != "trackdesk" else []
            found += [(node.lineno, each) for each in whole or [f"trackdesk.{alias.name}" for alias in node.names]]
    return found


def _too_long(path: Path) -> list[str]:
    lines = len(path.read_text("utf-8").splitlines())
    found = [f"{lines} lines, at most {MAX_FILE}"] if lines > MAX_FILE else []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            limit = MAX_CLASS if isinstance(node, ast.ClassDef) else MAX_FUNCTION
            if length > limit:
                found.append(f"{node.name}: {length} lines, at most {limit}")
    return found


def test_imports_go_down_the_floors_only() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)}:{line}: {name}"
        for path in _files()
        for line, name in _imports(_tree(path))
        if len(name.split(".")) > 1 and name.split(".")[1] not in MAY_IMPORT[_room(path)] | {_room(path)}
    ]
    assert not wrong


def test_nothing_is_too_long_to_read() -> None:
    wrong = [f"{path.relative_to(SOURCE)}: {said}" for path in _files() for said in _too_long(path)]
    assert not wrong


def test_modules_import_one_another_in_no_circle() -> None:
    modules = {_dotted(path): path for path in _files()}
    graph = {name: _module_level(path, modules) - {name} for name, path in modules.items()}
    done: set[str] = set()
    for start in graph:
        _walk(start, graph, done, [])


def _dotted(path: Path) -> str:
    parts = ("trackdesk", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _module_level(path: Path, modules: dict[str, Path]) -> set[str]:
    """What is imported as the module loads; type-only imports are no circle at run time."""
    names = set()
    for node in _tree(path).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names & set(modules)


def _walk(name: str, graph: dict[str, set[str]], done: set[str], trail: list[str]) -> None:
    assert name not in trail, f"circle: {' → '.join([*trail[trail.index(name) :], name])}"
    if name in done:
        return
    for each in graph[name]:
        _walk(each, graph, done, [*trail, name])
    done.add(name)


def test_all_sql_is_in_the_store() -> None:
    verbs = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ")
    stray = []
    for path in _files():
        if _room(path) == "store":
            continue
        texts = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Constant)]
        stray += [
            f"{path.relative_to(SOURCE)}:{node.lineno}"
            for node in texts
            if isinstance(node.value, str) and node.value.lstrip().startswith(verbs)
        ]
    assert not stray


def test_no_screen_looks_for_its_parts() -> None:
    """Keys, ticks, news and loads come before a view stands and after it went: parts are attributes, made with it."""
    rooms = ("screens", "console", "widgets")
    wrong = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in _files()
        if _room(path) in rooms
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "query_one"
    ]
    assert not wrong
