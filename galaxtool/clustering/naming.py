"""Names of clusters, from the text encoder of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.backbones.layers import JOINT
from galaxtool.clustering.grouping import Groups
from galaxtool.errors import ConfigError, GalaxtoolError
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.models.engines.open import open_engine
from galaxtool.models.engines.text import TextEncoder, open_text_encoder
from galaxtool.models.find import ModelFiles, find_model
from galaxtool.search.features import Features
from galaxtool.search.source import read_record
from galaxtool.taxonomy.names import make_prompt


@dataclass(frozen=True)
class ClusterName:
    """The name whose prompt is nearest to a cluster.

    Parameters
    ----------
    text : str
        The name.
    similarity : float
        Cosine of the prompt and the mean of the cluster's embeddings.
    """

    text: str
    similarity: float


def name_clusters(
    features: Features, groups: Groups, names: Sequence[str], model: str | None, compute: ComputeOptions
) -> list[ClusterName]:
    """Return the name of each cluster: that of the nearest prompt.

    Parameters
    ----------
    features : Features
        Embeddings in the joint space.
    groups : Groups
        Their clusters.
    names : sequence of str
        Names to choose from; if empty, the classes of the model.
    model : str or None
        Model, as the user gave it; None for the one that the features name.
    compute : ComputeOptions
        Device of the model.

    Returns
    -------
    list of ClusterName
        One for each cluster; empty if the model has no text encoder or cannot be found, and no names are given.

    Raises
    ------
    ConfigError
        If names are given, and cannot be compared with these features.
    """
    try:
        texts, prompts = _embed_names(features, names, model, compute)
    except GalaxtoolError:
        if names:
            raise
        return []
    means = np.stack([features.vectors[groups.clusters == k].mean(axis=0) for k in range(groups.count)])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    similarities = means @ prompts.T
    best = similarities.argmax(axis=1)
    return [ClusterName(texts[n], round(float(similarities[k, n]), 4)) for k, n in enumerate(best)]


def _embed_names(
    features: Features, names: Sequence[str], model: str | None, compute: ComputeOptions
) -> tuple[list[str], np.ndarray]:
    """Return the names to choose from, and the unit embeddings of their prompts."""
    if features.layer != JOINT:
        raise ConfigError(
            f"--names cannot be used: features of the layer '{features.layer}' cannot be compared with texts.",
            hint="Leave --names out, or use features of the layer joint.",
        )
    files = _find_files(features, model)
    record = read_record(files)
    if record.head == "none" and not names:
        raise ConfigError(f"The model '{record.name}' has no classes to name clusters by.")
    if not record.has_text:
        raise ConfigError(
            f"--names cannot be used with the model '{record.name}', which has no text encoder.",
            hint="Leave --names out, or use a model with one, such as mini.",
        )
    if names:
        return list(names), _open_encoder(files, compute).embed_text([make_prompt(name) for name in names])
    taxonomy = record.make_taxonomy()
    texts = [one.name for one in taxonomy.classes]
    stored = open_engine(files, compute.engine, compute.device).class_embeddings().get("prompt")
    if stored is None:
        stored = _open_encoder(files, compute).embed_text([one.prompt for one in taxonomy.classes])
    return texts, stored


def _find_files(features: Features, model: str | None) -> ModelFiles:
    """Return the files of the model that the features are from."""
    if features.source is not None:
        return features.source.files
    files = find_model(model or features.model)
    if read_record(files).digest != features.digest:
        raise ConfigError(
            f"The model of '{features.name}', '{features.model}', cannot be found, so it cannot name the clusters.",
            hint="Give it with --model, or leave --names out.",
        )
    return files


def _open_encoder(files: ModelFiles, compute: ComputeOptions) -> TextEncoder:
    return open_text_encoder(files, compute.engine, compute.device, what="A name")
