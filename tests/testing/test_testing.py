"""The checks for plugin authors: what is whole passes, what is spoilt is found."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import galaxtool
from galaxtool import (
    BackboneSpec,
    Cutout,
    DatasetSpec,
    HeadSpec,
    Item,
    MetricSpec,
    check_backbone,
    check_dataset,
    check_head,
    check_metric,
    get_registry,
    hookimpl,
)


@pytest.fixture
def register(request: pytest.FixtureRequest) -> Any:
    """Register a factory of this module's under the name ``odd``."""

    def add(hook: str, spec: type, factory: Any, **particulars: Any) -> None:
        globals()["_made"] = factory
        it = spec(name="odd", factory=f"{__name__}:_made", **particulars)
        plugins = get_registry().plugins
        plugins.register(SimpleNamespace(**{hook: hookimpl(lambda: [it])}), "odd")
        request.addfinalizer(lambda: plugins.unregister("odd"))

    return add


@pytest.mark.parametrize("name", ["prompt", "linear"])
def test_built_in_heads(name: str) -> None:
    check_head(name)


@pytest.mark.parametrize("name", ["small-resnet@none", pytest.param("mini@none", marks=pytest.mark.slow)])
def test_built_in_backbones(name: str) -> None:
    check_backbone(name)


def test_built_in_dataset() -> None:
    check_dataset("sample", n=20, limit=3)


class Plain(nn.Module):
    """A backbone that keeps its side, to be spoilt."""

    dim, image_size = 4, 8

    def __init__(self) -> None:
        super().__init__()
        self.image_tower: nn.Module = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.Flatten(2), nn.AdaptiveAvgPool1d(1), nn.Flatten()
        )
        self.letters = nn.Embedding(256, 4)

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return self.image_tower(images)

    def embed_text(self, texts: list[str]) -> torch.Tensor:
        return torch.stack([self.letters(torch.tensor([*text.encode()])).mean(0) for text in texts])


class WrongLength(Plain):
    dim = 5


class Dropping(Plain):
    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(self.image_tower(images), 0.5, training=True)


class Whitening(Plain):
    def embed(self, images: torch.Tensor) -> torch.Tensor:
        found = self.image_tower(images)
        return found - found.mean(0)


class Amplifying(Plain):
    """A backbone that loses three digits of its results, as deep ones with random weights do."""

    def __init__(self) -> None:
        super().__init__()
        self.image_tower = nn.Sequential(self.image_tower, Rounding())


class Rounding(nn.Module):
    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features * (1 + 1e3 * torch.finfo(features.dtype).eps * len(features))


class Detached(Plain):
    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return self.image_tower(images).detach()


class Unregistered(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.image_tower.register_forward_hook(lambda module, inputs, output, shift=torch.randn(4): output + shift)


class Padded(Plain):
    def embed_text(self, texts: list[str]) -> torch.Tensor:
        longest = max(len(text.encode()) for text in texts)
        return super().embed_text([text.ljust(longest) for text in texts])


class Infinite(Plain):
    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return self.image_tower(images) / 0


class Towerless(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.net, self.image_tower = self.image_tower, None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (WrongLength, r"gives shape \(3, 4\), not \(3, 5\)"),
        (Dropping, "embeds the same images differently the second time"),
        (Whitening, "embeds an image in a batch differently"),
        (Detached, "image_tower of 'odd@none' passes no gradient"),
        (Unregistered, "has tensors that are not in its state_dict"),
        (Padded, "embeds a text in a batch differently"),
        (Infinite, "values that are not finite"),
        (Towerless, "has no image_tower"),
    ],
)
def test_check_backbone_finds(kind: type[Plain], message: str, register: Any) -> None:
    register("register_backbones", BackboneSpec, lambda **_: kind(), text=True)
    with pytest.raises(AssertionError, match=message):
        check_backbone("odd@none")


def test_check_backbone_passes_a_plain_one_and_minds_its_spec(register: Any) -> None:
    register("register_backbones", BackboneSpec, lambda **_: Plain(), text=True, image_size=8)
    state = torch.get_rng_state()
    check_backbone("odd@none")
    assert torch.equal(state, torch.get_rng_state())


def test_check_backbone_tells_rounding_from_a_dependence_on_the_batch(register: Any) -> None:
    register("register_backbones", BackboneSpec, lambda **_: Amplifying(), image_size=8)
    with torch.no_grad():
        images = torch.randn(3, 3, 8, 8)
        odd = Amplifying()
        assert (odd.embed(images)[:1] / odd.embed(images[:1]) - 1).abs().max() > 1e-4
    check_backbone("odd@none")


def test_check_backbone_compares_the_size_with_the_spec(register: Any) -> None:
    register("register_backbones", BackboneSpec, lambda **_: Plain(), image_size=16)
    with pytest.raises(AssertionError, match="takes images of 8 pixels, but its spec says 16"):
        check_backbone("odd@none")


class BatchHead(nn.Linear):
    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return super().forward(features - features.mean(0))


class BlindHead(nn.Linear):
    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return super().forward(features.detach())


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (lambda dim, n_classes: nn.Linear(dim, n_classes + 1), "gives shape"),
        (lambda dim, n_classes: BatchHead(dim, n_classes), "in a batch differently"),
        (lambda dim, n_classes: BlindHead(dim, n_classes), "passes no gradient to the features"),
        (lambda dim, n_classes: len, "not a torch.nn.Module"),
    ],
)
def test_check_head_finds(factory: Any, message: str, register: Any) -> None:
    register("register_heads", HeadSpec, factory)
    with pytest.raises(AssertionError, match=message):
        check_head("odd")


def sky(**changes: Any) -> Any:
    """A data set of three images, one of which is changed."""
    images = {"data": np.random.default_rng(0).normal(size=(1, 6, 6)).astype(np.float32), "bands": ("r",)}
    items: list[dict[str, Any]] = [{"id": letter, "label": "spiral"} for letter in "abc"]
    for key, value in changes.items():
        (images if key in Cutout.__dataclass_fields__ and key not in ("ra", "dec") else items[1])[key] = value
    return lambda path=None: SimpleNamespace(
        name="odd", items=[Item(**item) for item in items], cutout=lambda index: Cutout(**images)
    )


def test_check_dataset_passes_a_plain_one(register: Any) -> None:
    register("register_datasets", DatasetSpec, sky(), taxonomy="gz2-5")
    check_dataset("odd")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "a"}, "two items with the id 'a'"),
        ({"split": "validation"}, "split 'validation'"),
        ({"ra": 1.0}, "only one of ra and dec"),
        ({"ra": 361.0, "dec": 0.0}, "not on the sky"),
        ({"label": "bagel"}, "label 'bagel', which is not a class of 'gz2-5'"),
        ({"data": np.zeros((6, 6), np.float32)}, r"not an array \(bands, ny, nx\)"),
        ({"data": np.zeros((1, 6, 6))}, "has the type <f8"),
        ({"data": np.zeros((1, 6, 6), ">f4")}, "has the type >f4"),
        ({"data": np.full((1, 6, 6), np.nan, np.float32)}, "no finite pixel"),
        ({"bands": ("g", "r")}, "1 planes and 2 names"),
        ({"mask": np.zeros((6, 5), bool)}, "mask that is not bool"),
        ({"flags": ("STRANGE",)}, "flag 'STRANGE'"),
        ({"pixel_scale": -1.0}, "-1.0 arcsec per pixel"),
    ],
)
def test_check_dataset_finds(changes: dict[str, Any], message: str, register: Any) -> None:
    register("register_datasets", DatasetSpec, sky(**changes), taxonomy="gz2-5")
    with pytest.raises(AssertionError, match=message):
        check_dataset("odd")


def test_check_dataset_finds_images_that_change(register: Any) -> None:
    rng = np.random.default_rng(0)
    made = sky()()
    made.cutout = lambda index: Cutout(data=rng.normal(size=(1, 6, 6)).astype(np.float32), bands=("r",))
    register("register_datasets", DatasetSpec, lambda path=None: made)
    with pytest.raises(AssertionError, match="different the second time"):
        check_dataset("odd")


def test_check_dataset_finds_what_another_process_cannot_use(register: Any) -> None:
    made = sky()()
    made.lock = threading.Lock()
    register("register_datasets", DatasetSpec, lambda path=None: made)
    with pytest.raises(AssertionError, match=r"The data set 'odd' cannot be sent to another process \(TypeError: "):
        check_dataset("odd")
    del made.lock
    check_dataset("odd")


def test_check_dataset_finds_that_nothing_can_be_read(register: Any) -> None:
    made = sky()()

    def fail(index: int) -> Cutout:
        raise galaxtool.UnreadableImage("It is torn.")

    made.cutout = fail
    register("register_datasets", DatasetSpec, lambda path=None: made)
    with pytest.raises(AssertionError, match="None of the 3 cutouts"):
        check_dataset("odd")


def find_itself(values: np.ndarray, targets: np.ndarray, gallery: Any = None, gallery_targets: Any = None,
                own_rows: Any = None) -> np.ndarray:  # fmt: skip
    """A metric that leaves an item out among the items, but not in a gallery."""
    similarity = values @ (values if gallery is None else gallery).T
    if gallery is None:
        np.fill_diagonal(similarity, -np.inf)
    found = (targets if gallery is None else gallery_targets)[similarity.argmax(axis=1)]
    return (found == targets).astype(float)


def score_the_gallery(values: np.ndarray, targets: np.ndarray, gallery: Any = None, gallery_targets: Any = None,
                      own_rows: Any = None) -> np.ndarray:  # fmt: skip
    """A metric with a score for each item of the gallery."""
    return np.ones(len(values if gallery is None else gallery))


@pytest.mark.parametrize(
    ("factory", "message"), [(find_itself, "leaves itself out"), (score_the_gallery, "shape \\(30,\\) for a gallery")]
)
def test_check_metric_finds_what_is_wrong_with_a_gallery(factory: Any, message: str, register: Any) -> None:
    register("register_metrics", MetricSpec, factory, inputs="embeddings", takes_gallery=True)
    with pytest.raises(AssertionError, match=message):
        check_metric("odd")
