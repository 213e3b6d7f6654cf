"""Every block of Python in the documents runs, page by page and in order; every option of a shell command exists.

A block that cannot run here has a comment ``<!-- not run: REASON -->`` in the line before it, which readers do not see.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from docs.test_docs import DOCUMENTS, ROOT, blocks, command, name_of, prose
from support.helpers import make_model, write_png
from support.plugin_helpers import add_plugin, run_python

import galaxtool
from galaxtool.cli.main import COMMANDS

MOST_NOT_RUN = 3
_BLOCK = re.compile(r"^(?:<!-- not run: ([^\n]+) -->\n)?```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@cache
def python_blocks(document: Path) -> list[tuple[str, str]]:
    """Return the reason not to run each block of Python, empty for nearly all, and its text."""
    return _BLOCK.findall(document.read_text(encoding="utf-8"))


WITH_PYTHON = [document for document in DOCUMENTS if python_blocks(document)]


def write_images(folder: Path) -> None:
    """Write labelled galaxies, cutouts, a model of the user's own and others that the pages name."""
    for kind in ("ring", "spiral"):
        for seed in range(6):
            write_png(folder / "my_galaxies" / kind / f"{seed}.png", seed + 50 * (kind == "ring"))
    galaxtool.simulate(output=folder / "cutouts", n=6, size=32)
    make_model(folder / "runs" / "mine" / "model")


def write_onnx(folder: Path) -> None:
    shutil.copy(Path(galaxtool.__file__).parent / "models" / "mini" / "model.onnx", folder / "first.onnx")
    write_png(folder / "cutout.png", 1)


def write_predictions(folder: Path) -> None:
    for seed in range(3):
        write_png(folder / "cutouts" / f"{seed}.png", seed)
    galaxtool.classify([folder / "cutouts"], output=folder / "predictions.fits")


def write_features(folder: Path) -> None:
    write_images(folder)
    galaxtool.embed([folder / "cutouts"], output=folder / "features.parquet")
    galaxtool.index([folder / "cutouts" / "labels.csv"], output=folder / "survey_index")
    for name, image in zip(("odd", "a", "b", "c"), sorted((folder / "cutouts").rglob("*.fits")), strict=False):
        shutil.copy(image, folder / f"{name}.fits")


NEEDED: dict[str, Callable[[Path], Any]] = {
    "README.md": write_images,
    "docs/python.md": write_images,
    "docs/quickstart.md": write_images,
    "docs/cases/mergers.md": write_predictions,
    "docs/gpu-pipelines.md": write_onnx,
    "docs/models-and-onnx.md": write_onnx,
    "docs/similarity.md": write_features,
}
"""Page -> function that writes the files that its blocks read."""

KNOWN: dict[str, dict[str, Any]] = {
    "docs/heads.md": {
        "logits": np.linspace(-3, 3, 12).reshape(4, 3),
        "slugs": ["smooth", "bar_yes", "bar_no"],
    },
}
"""Page -> variables that its text defines."""


def check_heads(names: dict[str, Any]) -> None:
    alpha, (low, high) = names["alpha"], (names["low"], names["high"])
    mean = alpha[:, 1] / alpha[:, 1:].sum(axis=1)
    assert ((low < mean) & (mean < high)).all()


def check_classified(names: dict[str, Any]) -> None:
    assert names["result"].n == 6 and sum(names["result"].labels.values()) == 6


def check_onnx(names: dict[str, Any]) -> None:
    assert names["probabilities"].shape == (1, len(names["slugs"])) == (1, 10)
    np.testing.assert_allclose(names["probabilities"].sum(), 1, rtol=1e-5)


def check_similarity(names: dict[str, Any]) -> None:
    np.testing.assert_allclose(np.linalg.norm(names["vectors"], axis=1), 1, rtol=1e-5)
    assert names["record"]["model"] == "mini"


def check_attention(names: dict[str, Any]) -> None:
    assert names["maps"].shape == (2, 2, 10, 10)


def check_simulated(names: dict[str, Any]) -> None:
    assert names["cutout"].data.shape == (3, 256, 256) and names["small"].data.shape == (3, 96, 96)
    assert len(names["dataset"].items) == 2000


def check_figures(names: dict[str, Any]) -> None:
    (spec,) = names["register_plots"]()
    assert spec.name == "sizes" and callable(names["plot_sizes"])


def check_oddness(names: dict[str, Any]) -> None:
    (spec,) = names["register_anomaly_methods"]()
    assert spec.name == "center"
    scores = names["score_by_length"](np.array([[0.0], [0.0], [3.0]]), neighbors=1, seed=0, progress=None)
    assert scores.tolist() == [1, 1, 4]


def check_gallery(names: dict[str, Any]) -> None:
    vectors, targets = np.eye(3)[[0, 0, 1]], np.array([0, 0, 1])
    assert names["same_class_nearest"](vectors, targets).tolist() == [1, 1, 0]
    looked_up = {"gallery": vectors[1:], "gallery_targets": targets[1:], "own_rows": np.array([-1, 0, 1])}
    assert names["same_class_nearest"](vectors, targets, **looked_up).tolist() == [1, 0, 0]


def check_candidates(names: dict[str, Any]) -> None:
    merging = list(names["table"]["p_merging"])
    assert len(merging) == 3 and merging == sorted(merging, reverse=True) and Path("candidates.csv").is_file()


def check_batch(names: dict[str, Any]) -> None:
    expected = names["model"].classify("cutout.png")
    slugs = names["model"].classes
    assert slugs[int(names["probabilities"].argmax())] == expected["label"][0]
    np.testing.assert_allclose(names["embeddings"], names["model"].embed("cutout.png"), atol=1e-4)


def check_rows(names: dict[str, Any]) -> None:
    shown = names["shown"].mean(axis=(1, 2))
    assert shown.argmax() < 8 and names["picture"][:8].all()


CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "README.md": check_classified,
    "docs/anomalies.md": check_oddness,
    "docs/backbones.md": check_attention,
    "docs/cases/mergers.md": check_candidates,
    "docs/evaluation.md": check_gallery,
    "docs/figures.md": check_figures,
    "docs/gpu-pipelines.md": check_batch,
    "docs/heads.md": check_heads,
    "docs/models-and-onnx.md": check_onnx,
    "docs/pixels.md": check_rows,
    "docs/python.md": check_classified,
    "docs/quickstart.md": check_classified,
    "docs/similarity.md": check_similarity,
    "docs/simulated-galaxies.md": check_simulated,
}
"""Page -> what must hold when its blocks have run."""


# its commands are those of other tests
SLOW = ("docs/cases/mergers.md", "docs/gpu-pipelines.md", "docs/quickstart.md")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(one, id=name_of(one), marks=[pytest.mark.slow] if name_of(one) in SLOW else [])
        for one in WITH_PYTHON
        if name_of(one) != "docs/plugins.md"
    ],
)
def test_python_blocks_run(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = name_of(document)
    NEEDED.get(page, lambda folder: None)(tmp_path)
    names: dict[str, Any] = dict(KNOWN.get(page, {}))
    for reason, text in python_blocks(document):
        if not reason:
            exec(compile(text, page, "exec"), names)
    CHECKS[page](names)


@pytest.mark.slow
def test_blocks_of_a_plugin_run(tmp_path: Path) -> None:
    register, method, test = (text for _, text in python_blocks(ROOT / "docs" / "plugins.md"))
    add_plugin(tmp_path, "my-net", register)
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").write_text("")
    (tmp_path / "my_package" / "net.py").write_text(
        "import torch\n"
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    dim, image_size, has_text, suggested_lr = 8, 128, False, 1e-3\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.image_tower = nn.Sequential(\n"
        "            nn.Conv2d(3, 8, 16, 16), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
        "    def embed(self, images):\n"
        "        return self.image_tower(images)\n"
        "def build(*, architecture, weights, resolve):\n"
        "    return Net()\n"
    )
    run = run_python("-c", f"{method}\n{test}\ntest_my_net()\nprint(stages)", path=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "function stages" in run.stdout


def test_nearly_all_blocks_run() -> None:
    reasons = [reason for document in WITH_PYTHON for reason, _ in python_blocks(document) if reason]
    assert len(reasons) <= MOST_NOT_RUN
    for document in DOCUMENTS:
        in_python = [text for language, text in blocks(document) if language == "python"]
        assert [text for _, text in python_blocks(document)] == in_python, "a block with an unusual fence"
        assert not [language for language, _ in blocks(document) if language in ("py", "python3", "ipython")]


# --- options ---------------------------------------------------------------------------------------------------------


def shell_commands(document: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each galaxtool command in shell blocks and in the text, and what follows it in its line."""
    texts = [text for language, text in blocks(document) if language in ("bash", "console", "sh", "")]
    texts += re.findall(r"`([^`\n]+)`", prose(document))
    for text in texts:
        for name, rest in re.findall(r"\bgalaxtool ([a-z-]+)\b([^\n|;&]*)", text.replace("\\\n", " ")):
            if name in COMMANDS:
                yield name, rest


def flags_of(name: str) -> set[str]:
    made = command(name)
    parameters = [p for one in (made, *getattr(made, "commands", {}).values()) for p in one.params]
    return {flag for parameter in parameters for flag in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_options_in_the_documents_exist(document: Path) -> None:
    unknown = [
        f"galaxtool {name}{rest}: {flag}"
        for name, rest in shell_commands(document)
        for flag in re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", rest)
        if flag not in flags_of(name) | {"--help", "-h"}
    ]
    assert unknown == []


def test_options_alone_belong_to_some_command() -> None:
    every = set().union(*map(flags_of, COMMANDS)) | {"--help", "--version"}
    elsewhere = {"--nnodes", "--rdzv-endpoint"}  # of torchrun
    for document in DOCUMENTS:
        # the tests of a plugin look at its own page
        others = ("CHANGELOG.md", "detection.md")
        if document.parent in (ROOT, ROOT / "docs") and document.name not in others:
            named = set(re.findall(r"`(--[a-z][a-z-]+)[ `=]", prose(document)))
            assert named - every - elsewhere == set(), name_of(document)
