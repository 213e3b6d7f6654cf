"""`galaxtool cite`: what to cite, as BibTeX."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import galaxtool
from galaxtool import get_registry
from galaxtool.cli.main import application
from galaxtool.plugins.dataset_names import split_dataset_name
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import Citation, DatasetSpec
from galaxtool.reports.bibtex import format_bibtex


def test_a_bundled_model() -> None:
    found = galaxtool.cite("mini")
    record = json.loads((Path(get_registry().models.find("mini").spec.folder) / "model.json").read_text())
    assert [entry["text"] for entry in found.citations] == list(dict.fromkeys(c["text"] for c in record["citations"]))
    assert found.licences == [record["licence"]]
    keys = re.findall(r"^@\w+\{(\w+),$", found.bibtex, re.MULTILINE)
    assert keys[0] == "galaxtool" and len(set(keys)) == len(keys) == len(found.citations) + 1
    assert "author = {Wang and Wang and Luo}," in found.bibtex and "eprint = {2411.19475}," in found.bibtex


def test_a_run_and_an_evaluation(tmp_path: Path) -> None:
    citation = {"text": "Koenker, R. & Bassett, G. 1978, Regression quantiles, Econometrica 46, 33", "doi": "10.2307/1"}
    manifest = {"command": "finetune", "citations": [citation, citation], "inputs": [{"name": "galaxy10:x.h5"}]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    found = galaxtool.cite(tmp_path)
    galaxy10 = get_registry().datasets.find("galaxy10").spec.citation
    assert galaxy10 is not None
    assert [entry["text"] for entry in found.citations] == [citation["text"], galaxy10.text]
    (tmp_path / "manifest.json").write_text('{"command": "embed"}')
    assert galaxtool.cite(tmp_path).notes == ["The embed records nothing to cite but galaxtool itself."]


def test_two_plugins_with_a_data_set_of_one_name(tmp_path: Path) -> None:
    plugins = get_registry().plugins
    for name in ("first", "second"):
        citation = Citation(text=f"{name.title()} 2020, Stars")
        spec = DatasetSpec(name="stars", summary="Stars.", factory="none:none", citation=citation)
        plugins.register(SimpleNamespace(register_datasets=hookimpl(lambda spec=spec: [spec])), name)
    try:
        manifest: dict[str, object] = {"command": "finetune", "inputs": [{"name": "stars"}]}
        manifest["config"] = {"dataset": {"value": ["second:stars:x.fits"]}, "gallery": {"value": "galaxy10:y.h5"}}
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        found = galaxtool.cite(tmp_path)
        assert [entry["text"][:6] for entry in found.citations] == ["Second", "Leung,"] and not found.notes
        assert split_dataset_name("second:stars:a:b") == ("second:stars", "a:b")
        (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "config": {}}))
        found = galaxtool.cite(tmp_path)
        assert not found.citations and found.notes[0].startswith("Several plugins have a dataset called 'stars'.")
    finally:
        for name in ("first", "second"):
            plugins.unregister(name)


def test_what_a_plugin_has_trained(tmp_path: Path) -> None:
    """The record of a plugin's own kind of model has another name, in the model folder of a run or alone."""
    citation = {"text": "Ren, S. et al. 2015, Faster R-CNN", "arxiv": "1506.01497"}
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a-damaged.json").write_text("{")
    (tmp_path / "model" / "detector.json").write_text(json.dumps({"citations": [citation], "licence": "MIT"}))
    (tmp_path / "manifest.json").write_text(json.dumps({"command": "detect train", "citations": []}))
    for place in (tmp_path, tmp_path / "model"):
        found = galaxtool.cite(place)
        assert "eprint = {1506.01497}," in found.bibtex and found.licences == ["MIT"] and not found.notes


@pytest.mark.parametrize("citations", [3, "x", [{"text": []}, 3, {"text": "A 2020, B", "doi": {}}]])
def test_citations_that_are_none(citations: object, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"command": "finetune", "citations": citations}))
    assert galaxtool.cite(tmp_path).notes == ["The finetune records nothing to cite but galaxtool itself."]


def test_names_of_backbones() -> None:
    assert "Masked autoencoders are scalable vision learners" in galaxtool.cite("mae").bibtex


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "Leung, H. W. & Bovy, J. 2019, Deep learning of abundances, MNRAS 483, 3255 (astroNN, Galaxy10)",
            "@article{Leung2019,\n  author = {Leung, H. W. and Bovy, J.},\n  title = {{Deep learning of abundances}},\n"
            "  journal = {MNRAS},\n  volume = {483},\n  pages = {3255},\n  year = {2019},\n}",
        ),
        (
            "He et al. 2016, Deep residual learning, CVPR",
            "@inproceedings{He2016,\n  author = {He and others},\n  title = {{Deep residual learning}},\n"
            "  booktitle = {CVPR},\n  year = {2016},\n}",
        ),
        (
            "owner/a_net, Hugging Face hub",
            "@misc{owneranet,\n  title = {{owner/a\\_net, Hugging Face hub}},\n}",
        ),
    ],
)
def test_entries(text: str, wanted: str) -> None:
    assert format_bibtex([{"text": text}]) == wanted


def test_keys_are_unique() -> None:
    text = format_bibtex([{"text": f"He et al. 2016, {title}"} for title in ("One", "Two", "Three")])
    assert re.findall(r"\{(He\w+),", text) == ["He2016", "He2016b", "He2016c"]


def test_every_citation_of_galaxtool_becomes_an_entry() -> None:
    registry = get_registry()
    citations = [s.citation for c in registry.collections() for s in c.specs() if s.citation is not None]
    citations += [w.citation for spec in registry.backbones.specs() for w in spec.weights if w.citation is not None]
    text = format_bibtex([{"text": c.text, "doi": c.doi, "arxiv": c.arxiv} for c in dict.fromkeys(citations)])
    assert text.count("{") == text.count("}")
    assert all("author = {" in entry for entry in text.split("\n\n"))


@pytest.mark.parametrize(("content", "message"), [(None, "is not a run"), ("{", "cannot be read")])
def test_what_cannot_be_cited(content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(galaxtool.GalaxtoolError, match=message) as caught:
        galaxtool.cite(tmp_path if content is not None else "nonsuch")
    assert caught.value.hint


def test_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    application().main(args=["cite", "mini"], prog_name="galaxtool", standalone_mode=False)
    shown = capsys.readouterr()
    assert shown.out.startswith("@software{galaxtool,") and shown.err.startswith("Licence of the weights: ")
