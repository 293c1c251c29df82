"""The docs are true: what the code has in tables, the docs have in tables made of them.

`python tests/arch/test_docs.py` writes those parts anew.
"""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from pydantic import BaseModel

from trackdesk.console.places import SECTIONS
from trackdesk.console.themes import THEMES
from trackdesk.contract.endpoints import ENDPOINTS
from trackdesk.contract.openapi import document
from trackdesk.domain import metric_filters, q_fields
from trackdesk.domain.identity import ALLOWED, Permission, Role
from trackdesk.engine.ingest import KINDS
from trackdesk.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "trackdesk"
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
FENCES = {"sh", "bash", "crontab", "text", "python", "json", "yaml", "toml", "ini"}
REMEDY = "run: python tests/arch/test_docs.py"


def endpoints() -> str:
    """A table for each group of calls."""
    groups: dict[str, list[str]] = {}
    for each in ENDPOINTS:
        calls = "<br>".join(f"`{method} {path}`" for method, path in each.routes)
        takes = [name for name, has in (("Idempotency-Key", each.idempotent), ("If-Match", each.if_match)) if has]
        does = each.summary + (f" (takes `{'`, `'.join(takes)}`)" if takes else "")
        row = f"| {calls} | {each.permission} | {each.status} | {does} |"
        groups.setdefault(each.name.partition(".")[0], []).append(row)
    head = ["| call | permission | answers | does |", "|---|---|---|---|"]
    return "\n\n".join("\n".join([f"### {name.capitalize()}", "", *head, *rows]) for name, rows in groups.items())


def bodies() -> str:
    """Every body with its members; those that may be left out with a question mark."""
    rows = [f"| `{each.method} {each.path}` | {_members(each.body)} |" for each in ENDPOINTS if each.body is not None]
    return "\n".join(["| body of | members |", "|---|---|", *rows])


def _members(body: Any) -> str:
    fields = {field.alias or name: field for name, field in _model(body).model_fields.items()}
    return " ".join(f"`{name}{'' if field.is_required() else '?'}`" for name, field in fields.items())


def _model(kind: Any) -> type[BaseModel]:
    """Of a body that may be one thing or an array of them, that thing."""
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else _model(get_args(kind)[0])


def lines() -> str:
    """Every kind of line that `/v1/ingest` takes; those members with a question mark may be left out."""
    rows = [f"| `{name}` | {_members(kind.model)} |" for name, kind in KINDS.items()]
    return "\n".join(["| `kind` | members |", "|---|---|", *rows])


def parameters() -> str:
    """What each call takes behind the question mark."""
    rows = ["| query of | parameters |", "|---|---|"]
    for each in ENDPOINTS:
        if each.query is not None:
            fields = {field.alias or name: field for name, field in each.query.model_fields.items()}
            pages = {"limit", "cursor"} <= set(fields)
            names = " ".join(f"`{name}`" for name in fields if not pages or name not in {"limit", "cursor"})
            rows.append(f"| `{each.method} {each.path}` | {names}{' ' if names and pages else ''}{'pages' * pages} |")
    return "\n".join(rows)


def sorts() -> str:
    """By what each list is sorted."""
    rows = ["| list | `sort` |", "|---|---|"]
    for each in ENDPOINTS:
        field = None if each.query is None else each.query.model_fields.get("sort")
        if field is not None:
            names = [name for name in get_args(field.annotation) if not name.startswith("-")]
            rows.append(f"| `{each.path}` | {' '.join(f'`{name}`' for name in names)}; `{field.default}` when absent |")
    return "\n".join(rows)


def queries() -> str:
    """The fields that `q=` knows, list by list."""
    rows = ["| list | fields |", "|---|---|"]
    for path, fields in (
        ("/v1/runs", q_fields.RUN_FIELDS),
        ("/v1/incidents", q_fields.INCIDENT_FIELDS),
        ("/v1/processes", q_fields.PROCESS_FIELDS),
        ("/v1/rules", q_fields.RULE_FIELDS),
        ("/v1/notifications", q_fields.NOTIFICATION_FIELDS),
        ("/v1/silences", q_fields.SILENCE_FIELDS),
        ("/v1/maintenance", q_fields.MAINTENANCE_FIELDS),
        ("/v1/metrics", metric_filters.SAMPLE_FIELDS),
        ("/v1/services", metric_filters.SERVICE_FIELDS),
    ):
        rows.append(f"| `{path}` | {' '.join(f'`{name}`' for name in fields)} |")
    return "\n".join(rows)


def settings() -> str:
    """The table of settings."""
    rows = ["| in `trackdesk.toml` | environment | flag | default | meaning | accepted |", "|---|---|---|---|---|---|"]
    for each in SETTINGS:
        flag = f"`{each.flag}`" if each.flag else ""
        default = f"`{each.default}`" if each.default else ""
        rows.append(f"| `{each.name}` | `{each.env}` | {flag} | {default} | {each.help} | {each.accepted} |")
    return "\n".join(rows)


def permissions() -> str:
    """Which role may call what."""
    rows = [f"| permission | {' | '.join(Role)} | calls |", "|---|" + ":-:|" * len(Role) + "---|"]
    for permission in Permission:
        marks = ["●" if permission in ALLOWED[role] else "" for role in Role]
        calls = ", ".join(f"`{each.name}`" for each in ENDPOINTS if each.permission is permission)
        rows.append(f"| {permission} | {' | '.join(marks)} | {calls} |")
    return "\n".join(rows)


MADE: dict[str, dict[str, Callable[[], str]]] = {
    "api.md": {
        "endpoints": endpoints,
        "bodies": bodies,
        "lines": lines,
        "parameters": parameters,
        "sorts": sorts,
        "queries": queries,
    },
    "operations.md": {"settings": settings, "permissions": permissions},
}


def _part(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)


@pytest.mark.parametrize(("page", "name"), [(page, name) for page, parts in MADE.items() for name in parts])
def test_a_table_in_the_docs_is_what_the_code_says(page: str, name: str) -> None:
    match = _part(name).search((DOCS / page).read_text("utf-8"))
    assert match is not None, f"docs/{page} has no part <!-- {name} -->"
    assert match[2] == MADE[page][name]() + "\n", REMEDY


def test_every_section_of_the_console_is_explained() -> None:
    text = (DOCS / "console.md").read_text("utf-8")
    assert [each.name for each in SECTIONS if f"| `{each.key}` | {each.title} |" not in text] == []
    assert [each.name for section in SECTIONS for each in section.inner if f"`:{each.name}`" not in text] == []


def test_every_theme_and_state_of_the_console_is_named() -> None:
    text = (DOCS / "console.md").read_text("utf-8")
    words = [theme.name.removeprefix("trackdesk-") for theme in THEMES] + [
        "live",
        "paused",
        "stale",
        "reconnecting",
        "offline",
    ]
    assert [word for word in words if word not in text] == []


def test_every_code_of_an_error_is_explained() -> None:
    sources = "\n".join(
        path.read_text("utf-8")
        for room in ("domain", "store", "engine", "server")
        for path in (SOURCE / room).rglob("*.py")
    )
    codes = set(re.findall(r'\bcode(?:: str)? ?= ?"([a-z_]+)"', sources))
    assert "run_active" in codes
    text = (DOCS / "api.md").read_text("utf-8")
    assert [code for code in sorted(codes) if f"| `{code}` |" not in text] == []


def test_every_family_of_metrics_is_explained() -> None:
    source = (SOURCE / "server" / "prometheus.py").read_text("utf-8")
    families = set(re.findall(r'"(trackdesk_[a-z_]+)"', source))
    text = (DOCS / "operations.md").read_text("utf-8")
    assert families
    assert [name for name in sorted(families) if f"| `{name}` |" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        file = page if not path else page.parent / path
        assert file.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in _anchors(file), f"{page.name}: {target}"


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_block_says_what_it_is(page: Path) -> None:
    kinds = re.findall(r"^```(.*)$", page.read_text("utf-8"), re.MULTILINE)
    assert len(kinds) % 2 == 0
    assert set(kinds[::2]) <= FENCES
    assert set(kinds[1::2]) <= {""}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_json_in_the_docs_is_json(page: Path) -> None:
    for block in re.findall(r"^```json\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        json.loads(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_calls_that_the_docs_speak_of_exist(page: Path) -> None:
    known = [_shape(path) for path in document("0")["paths"]]
    for path in re.findall(r"`(?:GET|POST|PUT|PATCH|DELETE) (/[^`?\s]*)", page.read_text("utf-8")):
        assert any(shape.fullmatch(path) for shape in known), f"{page.name}: {path}"


def test_places_in_the_code_that_the_house_speaks_of_exist() -> None:
    text = (DOCS / "house.md").read_text("utf-8")
    for path in re.findall(r"`((?:\w+/)+[\w.]*|\w+\.py)`", text):
        assert (ROOT / path).exists() or (SOURCE / path).exists(), path
    for name in re.findall(r"`((?:domain|store|engine|server|contract|client)\.[\w.]+)`", text):
        module, _, attribute = name.rpartition(".")
        found = (SOURCE / f"{name.replace('.', '/')}.py").exists()
        assert found or hasattr(import_module(f"trackdesk.{module}"), attribute), name


def _shape(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(path)))


def write() -> None:
    """Makes every made part anew."""
    for name, parts in MADE.items():
        page = DOCS / name
        text = page.read_text("utf-8")
        for part, make in parts.items():
            made = make() + "\n"
            text = _part(part).sub(lambda match, made=made: match[1] + made + match[3], text)
        page.write_text(text, "utf-8")


if __name__ == "__main__":
    write()
    sys.stdout.write("written\n")
