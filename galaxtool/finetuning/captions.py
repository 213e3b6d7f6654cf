"""The captions of training images: their own, and those of their classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from galaxtool.backbones.byte_text import TextTower
from galaxtool.datasets.captions import read_captions
from galaxtool.finetuning.data import LabeledImages
from galaxtool.plugins.registry import get_registry
from galaxtool.training.task import Task
from galaxtool.utils.words import split_words


def collect_captions(labeled: LabeledImages, rows: Sequence[int], *, of_classes: bool) -> list[tuple[str, ...]] | None:
    """Return the captions of items.

    Parameters
    ----------
    labeled : LabeledImages
        The data.
    rows : sequence of int
        Numbers of the items.
    of_classes : bool
        Whether an item also has the captions of its class, or of its coarser label.

    Returns
    -------
    list of tuple of str, or None
        Captions of each item; None if no item has any.
    """
    by_label = _list_class_captions(labeled) if of_classes else {}
    captions = []
    for row in rows:
        d, i = labeled.locations[row]
        own = read_captions(labeled.datasets[d], i)
        captions.append(tuple(dict.fromkeys((*own, *by_label.get(labeled.slugs[row], ())))))
    return captions if any(captions) else None


def _list_class_captions(labeled: LabeledImages) -> Mapping[str, tuple[str, ...]]:
    """Return the prompt and the captions of each label: a slug, or ``taxonomy:slug`` of a coarser taxonomy."""
    taxonomies = get_registry().taxonomies
    found: dict[str, tuple[str, ...]] = {}
    for label in dict.fromkeys(labeled.slugs):
        name, colon, slug = label.partition(":")
        if colon and name in taxonomies:
            registered = taxonomies.find(name)
            taxonomy = registered.create(registered.spec)
        else:
            taxonomy, slug = labeled.taxonomy, label
        if slug in taxonomy.slugs:
            own = taxonomy.get(slug)
            found[label] = (own.prompt, *own.captions)
    return found


def list_words(task: Task) -> list[str]:
    """Return the words of the prompts and captions of a training, for `ModelRecord.words`.

    Returns
    -------
    list of str
        In alphabetical order; empty without captions, or if the text encoder knows other words from its weights.
    """
    lender = getattr(task.backbone, "text", task.backbone)
    if task.train.captions is None or not isinstance(getattr(lender, "text_tower", None), TextTower):
        return []
    texts = {text for captions in task.train.captions for text in captions}
    return sorted({word for text in (*task.taxonomy.prompts, *texts) for word in split_words(text)})
