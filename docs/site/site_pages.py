"""The tree of pages, links from code in the text to the public names of galaxtool, and drawings of classes.

The headings and links of docs/index.md are the tree; readers of the repository see them too.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from posixpath import normpath
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

import galaxtool

FIRST_HEADING = "## Start here\n"
"""Heading of docs/index.md from which its links are the tree."""

TITLES = {"../README": "Install, and the first five minutes"}
"""Page -> its name in the tree, where its heading says less."""

_SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_PAGE = re.compile(r"\]\(([^)#\s]+)\.(?:md|ipynb)\)")
_PUBLIC = re.compile(r"(?:galaxtool\.)((?:listings\.|plugin_tools\.)?\w+)(?:\(\))?")


def make_toctrees(text: str) -> str:
    """Return hidden toctrees of the pages that the front page links to, one for each heading."""
    _, _, tables = text.partition(FIRST_HEADING)
    seen: set[str] = set()
    blocks = []
    for heading, body in _SECTION.findall(FIRST_HEADING + tables):
        pages = [page for page in dict.fromkeys(map(normpath, _PAGE.findall(body))) if page not in seen]
        seen.update(pages)
        pages = [f"{TITLES[page]} <{page}>" if page in TITLES else page for page in pages]
        if pages:
            blocks.append("\n".join(["```{toctree}", ":hidden:", f":caption: {heading}", "", *pages, "```", ""]))
    return "\n".join(blocks)


def add_toctrees(app: Sphinx, name: str, source: list[str]) -> None:
    """Add the tree of pages to the front page, and the pages of names to the list of names."""
    if name == app.config.root_doc:
        head, start, _ = source[0].partition(FIRST_HEADING)
        source[0] = head + make_toctrees(source[0]) if start else source[0]
    if name == "docs/api":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\napi/*\n```\n"


class LinkNames(SphinxTransform):
    """Link public names in code, such as `galaxtool.classify`, to their pages."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Replace each literal that is a public name by a link to it."""
        for literal in list(self.document.findall(nodes.literal)):
            found = _PUBLIC.fullmatch(literal.astext())
            inside_link = isinstance(literal.parent, (nodes.reference, pending_xref, nodes.title))
            if not found or inside_link or found[1].partition(".")[0] not in galaxtool.__all__:
                continue
            target = f"galaxtool.{found[1]}"
            link = pending_xref(
                "", refdomain="py", reftype="obj", reftarget=target, refdoc=self.env.docname, refexplicit=True
            )
            literal.replace_self(link)
            link += literal


def copy_symbols(app: Sphinx, error: Exception | None) -> None:
    """Copy the drawings of classes, which pages show by their place in the repository."""
    if not error:
        shutil.copytree(Path(app.srcdir, "assets"), Path(app.outdir, "assets"), dirs_exist_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension."""
    app.connect("source-read", add_toctrees)
    app.add_transform(LinkNames)
    app.connect("build-finished", copy_symbols)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
