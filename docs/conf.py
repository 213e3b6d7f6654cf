"""Settings of the documentation as a site; `make docs` builds it.

The source is the whole repository, so that the links between its pages work on the site as they do in the repository.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "site"))

import numpydoc.xref

import galaxtool

project = "galaxtool"
author = "The galaxtool developers"
copyright = "The galaxtool developers"
version = release = galaxtool.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "site_pages",
    "site_api",
    "site_inventories",
]

root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**",
    "benchmarks/*.md",
    "plugins/README.md",
    "plugins/*/README.md",
    "plugins/*/docs/*.md",
]
exclude_patterns = ["docs/_build", "docs/site", "**/.*"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = ["toc.not_included"]  # a test says that the front page has all pages of docs/
nb_execution_mode = "off"  # the notebooks are stored with their outputs; a test runs them
nb_merge_streams = True

autodoc_preserve_defaults = True
autodoc_typehints = "none"  # numpydoc has the types in words
python_maximum_signature_line_length = 100
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc.xref.DEFAULT_LINKS.clear()  # links to Python and numpy that site/inventories.toml does not have
numpydoc_xref_aliases = {
    "ndarray": "numpy.ndarray",
    "array": "numpy.ndarray",
    "Table": "astropy.table.Table",
    "WCS": "astropy.wcs.WCS",
    "Tensor": "torch.Tensor",
}
# words of types that need no link
numpydoc_xref_ignore = {
    "and", "any", "auto", "bool", "boolean", "bytes", "callable", "dict", "False", "finite", "float", "float32", "int",
    "int64", "iterable", "list", "mapping", "None", "object", "of", "optional", "or", "Path", "path", "positive",
    "scalar", "sequence", "set", "shape", "str", "True", "tuple", "uint8", "with",
}  # fmt: skip

templates_path = ["site/templates"]
html_theme = "pydata_sphinx_theme"
html_title = "galaxtool"
html_static_path = ["site/static"]
html_css_files = ["galaxtool.css"]
html_favicon = "site/static/logo.svg"
html_extra_path = ["site/root"]
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {"**": ["site-tree"]}
html_theme_options = {
    "logo": {"text": "galaxtool", "image_light": "site/static/logo.svg", "image_dark": "site/static/logo.svg"},
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "navigation_depth": 2,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "secondary_sidebar_items": ["page-toc"],
    "search_bar_text": "Search the documentation",
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_prompt_text = "$ "
