"""Write docs/hooks.md from the hook specifications and the specs that hooks return.

Run from anywhere::

    python scripts/write_hook_reference.py
"""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from galaxtool.plugins import hookspecs
from galaxtool.plugins.base_spec import Spec
from galaxtool.utils.files.atomic_write import atomic_write

TARGET = Path(__file__).resolve().parent.parent / "docs" / "hooks.md"

INTRODUCTION = """\
# Hooks

<!-- Written by scripts/write_hook_reference.py (make docs). Edit the docstrings instead. -->

A plugin implements any of these functions, each with the decorator `galaxtool.hookimpl`. A `register_` hook returns a
list of specs and has no other effect. An implementation can omit arguments that it does not need.
[plugins.md](plugins.md) explains how to write a plugin, what a factory is called with, and what it returns.

The version of the hooks is `galaxtool.HOOK_API`; [plugins.md](plugins.md#what-stays-the-same) says when it
changes.
"""


def make_reference() -> str:
    """Return the text of docs/hooks.md."""
    hooks = find_hooks()
    lines = [INTRODUCTION, "| hook | |", "|---|---|"]
    lines += [f"| [`{name}`](#{name}) | {to_markdown(read_docstring(hook)[0])} |" for name, hook in hooks.items()]
    for name, hook in hooks.items():
        lines += ["", *describe_hook(name, hook)]
    lines += ["", "## Fields of every spec", "", *make_field_table(Spec)]
    return "\n".join([*lines, ""])


def read_docstring(value: Any) -> tuple[str, dict[str, str]]:
    """Split a numpydoc docstring into the text before its sections, and the description of each parameter."""
    text, *sections = re.split(r"\n+(?=\w[\w ]*\n-{3,}\n)", inspect.getdoc(value) or "")
    described: dict[str, str] = {}
    for section in sections:
        if section.startswith("Parameters\n"):
            for names, body in re.findall(r"^(\w[\w, ]*) : .*\n((?: +.*\n?)*)", section, re.MULTILINE):
                described.update(dict.fromkeys(names.split(", "), body))
    return text, described


def find_hooks() -> dict[str, Any]:
    """Return the hook specifications by name, in the order of their module."""
    return {name: value for name, value in vars(hookspecs).items() if hasattr(value, "galaxtool_spec")}


def describe_hook(name: str, hook: Any) -> list[str]:
    """Return the section of one hook: its arguments, and the fields of the spec that it returns."""
    summary, arguments = read_docstring(hook)
    signature = ", ".join(inspect.signature(hook).parameters)
    lines = [f"## {name}", "", to_markdown(summary), "", "```text", f"{name}({signature})", "```"]
    if arguments:
        lines += ["", "| argument | |", "|---|---|"]
        lines += [f"| `{argument}` | {to_markdown(text)} |" for argument, text in arguments.items()]
    if spec := find_spec(hook):
        lines += ["", f"### {spec.__name__}", "", to_markdown(read_docstring(spec)[0])]
        lines += ["", "It has [the fields of every spec](#fields-of-every-spec)" + (":" if own_fields(spec) else ".")]
        if own_fields(spec):
            lines[-1] = lines[-1].replace("spec)", "spec), and")
            lines += ["", *make_field_table(spec)]
    return lines


def find_spec(hook: Any) -> type[Spec] | None:
    """Return the class of the specs that a hook returns, if it returns any."""
    found = re.search(r"\w+Spec\b", str(inspect.signature(hook).return_annotation))
    return getattr(hookspecs, found[0]) if found else None


def own_fields(spec: type[Spec]) -> list[Any]:
    """Return the fields of a spec, without those that every spec has."""
    common = {field.name for field in fields(Spec)} if spec is not Spec else set()
    return [field for field in fields(spec) if field.name not in common]


def make_field_table(spec: type[Spec]) -> list[str]:
    """Return the lines of a table of the fields of a spec."""
    texts = read_docstring(spec)[1]
    rows = []
    for field in own_fields(spec):
        default = f"`{field.default!r}`" if field.default.__class__.__name__ != "_MISSING_TYPE" else "required"
        rows.append(f"| `{field.name}` | {default} | {to_markdown(texts.get(field.name, ''))} |")
    return ["| field | default | |", "|---|---|---|", *rows]


def to_markdown(text: str) -> str:
    """Return a text of a docstring in Markdown, on one line, with escaped bars and tags."""
    code = re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split()))
    return "".join(
        part if part.startswith("`") else part.replace("<", "&lt;") for part in re.split(r"(`[^`]*`)", code)
    ).replace("|", "\\|")


if __name__ == "__main__":
    with atomic_write(TARGET) as temporary:
        temporary.write_text(make_reference(), encoding="utf-8")
    print(f"Wrote {TARGET}")
