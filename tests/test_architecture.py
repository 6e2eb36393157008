"""Rules of the house that linters cannot see."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "forum_app"
# Only the edge opens and ends transactions; db.py is the one that does it.
EDGE = ("views.py", "manage_views.py", "jobs.py", "cli.py")
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def calls(path: Path) -> set[str]:
    """Names of attributes called in a module: {'commit', 'add', ...}."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nobody_commits_but_the_transaction(path: Path) -> None:
    if path == PACKAGE / "db.py":
        return
    assert "commit" not in calls(path)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_edge_opens_transactions(path: Path) -> None:
    if path.name in EDGE or path.name.endswith("_views.py") or path.name.endswith("_jobs.py"):
        return
    if path in (PACKAGE / "db.py", PACKAGE / "web" / "submission.py") or PACKAGE / "demo" in path.parents:
        return
    source = path.read_text(encoding="utf-8")
    assert "with transaction()" not in source
    assert "with submission()" not in source


def test_the_clock_is_read_at_the_edge_only() -> None:
    readers = set()
    for path in MODULES:
        if "clock.now()" in path.read_text(encoding="utf-8"):
            readers.add(path.relative_to(PACKAGE).as_posix())
    allowed = {"accounts/sign_in.py", "web/submission.py", "web/clock.py", "cli.py"}
    allowed |= {"calendars/unchanged.py"}  # answers requests before any view does
    unexpected = {
        reader
        for reader in readers - allowed
        if not reader.endswith(("views.py", "jobs.py", "forms.py")) and not reader.startswith("web/")
    }
    assert not unexpected


def test_no_inline_script_or_style_in_templates() -> None:
    offenders = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        if " style=" in text or "<style" in text or "javascript:" in text or " onclick=" in text:
            offenders.append(path.name)
        if "<script" in text and "<script>" in text:
            offenders.append(path.name)
        if "|safe" in text or "| safe" in text:
            offenders.append(f"{path.name}: |safe")
    assert not offenders


def test_every_named_constraint_is_named_by_the_convention() -> None:
    from forum_app.db import Base  # noqa: PLC0415 - after all models are imported by conftest

    for table in Base.metadata.sorted_tables:
        for constraint in table.constraints:
            assert constraint.name, f"{table.name}: a constraint without a name"
