"""What plugins rely on is still there: public names, hooks with their arguments, and fields of specs."""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from pathlib import Path

import pytest

import galaxtool
from galaxtool.plugins import hookspecs, specs
from galaxtool.plugins.hook_api import HOOK_API, warn_deprecated

HERE = Path(__file__).resolve().parent

HOOKS = {
    **{
        f"register_{kind}": ()
        for kind in (
            "backbones", "datasets", "heads", "methods", "taxonomies", "readers", "containers", "table_formats",
            "executors", "models", "metrics", "plots", "indexes", "search_filters", "recipes", "vote_schemas",
            "anomaly_methods",
        )
    },
    "resolve_weights": ("weights", "cache_dir", "offline"),
    "run_started": ("manifest",),
    "run_finished": ("manifest",),
}  # fmt: skip
"""Hooks of version 1.0 and their arguments."""

FIELDS = {
    "BackboneSpec": "text features cls_tokens attention image_size weights architectures weights_of mean std",
    "DatasetSpec": "taxonomy needs_path",
    "HeadSpec": "label_kinds needs fitted objective",
    "MethodSpec": "needs head heads label_kinds lr options lengths ignores",
    "TaxonomySpec": "folder",
    "VoteSchemaSpec": "path",
    "AnomalyMethodSpec": "meaning uses",
    "ReaderSpec": "suffixes magic",
    "ContainerSpec": "suffixes magic offsets",
    "TableFormatSpec": "suffixes",
    "MetricSpec": "inputs interval higher_is_better scope weighted of_classes takes_gallery",
    "PlotSpec": "inputs takes options",
    "ModelSpec": "folder",
    "RecipeSpec": "path command",
    "Weights": "tag uri sha256 licence citation image_size mean std install",
    "Citation": "text doi arxiv bibcode",
}
"""Fields of the specs of version 1.0."""


def test_no_public_name_is_gone() -> None:
    wanted = (HERE / "public_names.txt").read_text(encoding="utf-8").split()
    gone = {name for name in wanted if not hasattr(galaxtool, name)}
    assert gone == set(), "deprecate a public name in galaxtool._FORMER for one minor version before it goes"


def test_no_hook_and_no_argument_is_gone() -> None:
    assert HOOK_API.split(".")[0] == "1"
    for name, arguments in HOOKS.items():
        assert set(arguments) <= set(inspect.signature(getattr(hookspecs, name)).parameters), name


@pytest.mark.parametrize("name", FIELDS)
def test_no_field_of_a_spec_is_gone(name: str) -> None:
    fields = {field.name for field in dataclasses.fields(getattr(specs, name))}
    assert set(FIELDS[name].split()) <= fields


def test_a_former_name_works_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(galaxtool._FORMER, "list_networks", ("list_backbones", "0.3"))
    with pytest.warns(DeprecationWarning, match=r"list_networks is deprecated .* use galaxtool\.list_backbones"):
        assert galaxtool.list_networks is galaxtool.list_backbones
    assert "list_networks" not in galaxtool.__all__


def test_the_warning_is_about_the_line_that_uses_it() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (lambda: warn_deprecated("A", instead="B", until="0.3", stacklevel=2))()
    assert str(caught[0].message) == "A is deprecated and will be removed in galaxtool 0.3; use B."
