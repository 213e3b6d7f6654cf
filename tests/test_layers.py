"""Every file imports only from the layers above its own, in the order of docs/architecture.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "galaxtool"

LAYERS = {
    "L0": ["__init__", "errors", "types"],
    "L1": ["utils", "plugins"],
    "L2": [
        "images", "vision", "tables", "containers", "inputs", "taxonomy", "simulation", "backbones", "evaluation",
        "training", "heads", "methods", "models", "datasets", "executors", "jobs", "reports",
    ],
    "L3": [
        "inference", "search", "plotting", "finetuning", "comparison", "assessment", "clustering", "webserver",
        "explorer", "outliers", "labeling", "label_checks", "cutting", "reproduction", "testing", "diagnostics",
        "authoring",
    ],
    "L4": ["commands", "cli", "__main__"],
}  # fmt: skip
"""Layer -> its files and packages; each may import those before it."""

ORDER = [part for parts in LAYERS.values() for part in parts]
NOT_OF_ONE_ANOTHER = {"inference", "testing"}


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def part_of(module: str) -> str:
    """Return the file or package right under galaxtool that a module belongs to."""
    return (*module.split("."), "__init__")[1]


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield every module imported, at the top or within a function, and the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"relative import in line {node.lineno}"
            if node.module == "galaxtool":
                # a name of a file or package is that; any other is one of galaxtool's own names
                for alias in node.names:
                    is_part = (PACKAGE / alias.name).is_dir() or (PACKAGE / f"{alias.name}.py").is_file()
                    yield (f"galaxtool.{alias.name}" if is_part else "galaxtool"), node.lineno
            else:
                yield node.module, node.lineno


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def ours(file: Path) -> list[tuple[str, int]]:
    return [(m, line) for m, line in imports(tree_of(file)) if m.split(".")[0] == "galaxtool"]


def test_every_file_belongs_to_a_layer() -> None:
    assert {part_of(module_of(file)) for file in files()} == set(ORDER)


@pytest.mark.parametrize("part", ORDER)
def test_imports_come_from_above(part: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line} imports {module}"
        for file in files()
        if part_of(module_of(file)) == part
        for module, line in ours(file)
        if ORDER.index(part_of(module)) > ORDER.index(part)
        or (part in NOT_OF_ONE_ANOTHER and part_of(module) in NOT_OF_ONE_ANOTHER - {part})
    ]
    assert wrong == []


def for_annotations_only(tree: ast.Module) -> set[int]:
    """Return the lines under ``if TYPE_CHECKING``."""
    blocks = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    return {line for block in blocks for line in range(block.lineno, (block.end_lineno or block.lineno) + 1)}


def test_no_file_imports_in_a_circle() -> None:
    known = {module_of(file) for file in files()} - {"galaxtool"}
    graph = {
        module_of(f): {m for m, line in ours(f) if m in known and line not in for_annotations_only(tree_of(f))}
        for f in files()
    }
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in done:
            for other in sorted(graph[module]):
                visit(other, (*path, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())
    assert done == known | {"galaxtool"}


def test_package_files_hold_no_code() -> None:
    for file in PACKAGE.rglob("*/__init__.py"):
        rest = [
            node
            for node in tree_of(file).body
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        ]
        assert rest == [], f"{file.relative_to(ROOT)} holds more than a docstring"


def test_plugin_files_only_list_specs() -> None:
    seen = sorted(PACKAGE.rglob("plugin.py"))
    for file in seen:
        parts = {part_of(module) for module, _ in ours(file)} - {part_of(module_of(file))}
        assert parts <= {"plugins"}, f"{file.relative_to(ROOT)} imports {parts}"
    assert len(seen) > 5


def test_architecture_tells_every_layer_in_order() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = re.search(r"```\n(L0.*?)```", text, re.DOTALL)
    assert block, "docs/architecture.md has no block that begins with L0"
    told: list[tuple[str, str]] = []
    layer = ""
    for line in block[1].splitlines():
        match = re.match(r"(L\d)?\s+(\w+?)(?:\.py|/)\s", line)
        assert match, f"not of the form 'L2  name/  what it is': {line}"
        layer = match[1] or layer
        told.append((layer, match[2]))
    assert told == [(layer, part) for layer, parts in LAYERS.items() for part in parts]


def test_files_that_the_architecture_names_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+(?:/\w+)+\.py|(?:\w+/)+)`", text))
    assert len(named) > 30
    assert {name for name in named if not (PACKAGE / name).exists() and not (ROOT / name).exists()} == set()
