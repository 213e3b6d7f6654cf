"""What ``model.json`` says of a training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from galaxtool import __version__
from galaxtool.finetuning.captions import list_words
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data_record import describe_data
from galaxtool.finetuning.domain import describe_domain
from galaxtool.finetuning.task import TrainingSetup
from galaxtool.inference.field_of_view import summarize_fields
from galaxtool.inference.training_domain import DOMAIN
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.dataset_names import find_named_dataset
from galaxtool.plugins.specs import Citation, HeadSpec
from galaxtool.taxonomy.quantities import quantities_to_dict
from galaxtool.training.options import TrainOptions
from galaxtool.training.state import Outcome
from galaxtool.training.task import Task
from galaxtool.types import Temperature
from galaxtool.utils.run_manifest import utc_now


def make_record(
    name: str,
    config: FinetuneConfig,
    task: Task,
    setup: TrainingSetup,
    *,
    outcome: Outcome,
    metrics: dict[str, Any],
    temperature: Temperature,
) -> ModelRecord:
    """Return the content of ``model.json``."""
    method, backbone = setup.method, setup.backbone
    votes = getattr(task.taxonomy, "votes", None)
    return ModelRecord(
        name=name,
        # a model from a hub is rebuilt from what its files said, even where they are no longer at hand
        backbone=getattr(getattr(task.backbone, "image", task.backbone), "recorded_name", "") or str(backbone),
        dim=task.backbone.dim,
        head=setup.head.name,
        preprocess=task.preprocess.as_dict(),
        taxonomy=task.taxonomy.as_dict(),
        temperature=temperature,
        method={**asdict(task.options), "name": method.name, "options": dict(task.options.method)},
        data={
            **describe_data(setup.labeled, config),
            **summarize_fields(task.train.fields),
            DOMAIN: describe_domain(setup.labeled, task).as_dict(),
        },
        metrics=metrics,
        votes=votes.as_dict() if votes else None,
        regression=quantities_to_dict(task.taxonomy.quantities) if task.taxonomy.quantities else None,
        prior=_describe_prior(task),
        scores_prior=task.options.scores_prior,
        words=list_words(task),
        text_encoder=str(setup.text_encoder or ""),
        has_text="text" in method.needs,
        has_symbol_tower=outcome.symbol_tower is not None,
        has_symbol_statistics=outcome.symbol_statistics is not None,
        licence=backbone.weights.licence if backbone.weights else "",
        citations=_collect_citations(setup, config),
        notes=_write_notes(setup.head, task.options, temperature, has_test="test" in metrics),
        created=utc_now(),
        galaxtool=__version__,
    )


def _describe_prior(task: Task) -> dict[str, float]:
    """Return the share of each class in the training, by slug; empty if the targets are votes or there are none."""
    shares = getattr(task.objective, "prior", None)
    if shares is None:
        return {}
    return {slug: round(share, 6) for slug, share in zip(task.taxonomy.slugs, shares.tolist(), strict=True)}


def _write_notes(head: HeadSpec, options: TrainOptions, temperature: Temperature, *, has_test: bool) -> str:
    """Return the notes of the model: what its scores are worth."""
    if head.name == "none":
        return "Learned without labels: it embeds, and has no classes. No score is known."
    epoch = {"best": "the best epoch", "last": "" if options.stopping == "best" else "the number of epochs"}
    factor = "the length of the error bars" if "values" in head.label_kinds else "the temperature"
    choices = [epoch[options.select], factor if temperature != 1.0 else ""]
    chose = " and ".join(filter(None, choices))
    scores = f"Scores are of the validation split of its own training data, which chose {chose or 'nothing'}"
    if not chose:
        return f"{scores}."
    if has_test:
        return f"{scores}; those under 'test' are of a test split, which chose nothing."
    return f"{scores}, so they are optimistic; no test split was scored."


def _collect_citations(setup: TrainingSetup, config: FinetuneConfig) -> list[dict[str, str]]:
    """Return the citations of everything that the training used, each once."""
    datasets = (find_named_dataset(str(text)) for text in config.dataset)
    backbone, text = setup.backbone, setup.text_encoder
    citations: Iterable[Citation | None] = (
        setup.method.citation,
        setup.head.citation,
        backbone.spec.citation,
        backbone.weights.citation if backbone.weights else None,
        text.spec.citation if text else None,
        *(entry.spec.citation for entry in datasets if entry is not None),
        *setup.labeled.taxonomy.citations,
    )
    return [asdict(citation) for citation in dict.fromkeys(citations) if citation is not None]
