"""What a finished training leaves in its run directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from galaxtool import __version__
from galaxtool.finetuning.data import LabeledImages, data_record
from galaxtool.inference.field_of_view import field_record
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import Citation, HeadSpec
from galaxtool.utils.files import atomic_write, sha256_of, write_json
from galaxtool.utils.run_directory import RunDirectory, utc_now

if TYPE_CHECKING:
    from galaxtool.finetuning.task import TrainingSetup
    from galaxtool.training.task import PictureSet, Task
    from galaxtool.training.trainer import Outcome


def note_inputs(run: RunDirectory, settings: Mapping[str, Any], labelled: LabeledImages) -> None:
    """Write ``config.toml``, and the data sets with the digest of the split into the manifest."""
    import tomli_w

    plain = {
        key: [str(v) for v in value]
        if isinstance(value, (list, tuple))
        else value
        if isinstance(value, (int, float))
        else str(value)
        for key, value in settings.items()
        if value is not None
    }
    with atomic_write(run.path / "config.toml") as temporary:
        temporary.write_text(tomli_w.dumps({"finetune": plain}), encoding="utf-8")
    run.manifest["inputs"] = [
        {"name": dataset.name, "images": len(dataset.items), "split_sha256": sha256_of(run.path / "split.csv")}
        for dataset in labelled.datasets
    ]
    run.save()


def finish_run(
    run: RunDirectory, settings: Mapping[str, Any], task: Task, outcome: Outcome, prepared: TrainingSetup
) -> dict[str, Any]:
    """Score the best epoch, write ``metrics.json``, figures and the model directory; return the metrics."""
    import torch

    from galaxtool.models.directory import save_model
    from galaxtool.models.network import GalaxyModel
    from galaxtool.models.record import ModelRecord
    from galaxtool.reports.figures import draw_confusion, draw_history
    from galaxtool.training.stage import embed_pictures

    labelled, method, name = prepared.labelled, prepared.method, prepared.backbone
    head = _fitted(task, prepared.head) or outcome.head
    has_classes = prepared.head.name != "none"
    scored = _with_labels(task.valid) if has_classes else task.valid
    features = embed_pictures(task, scored)
    with torch.inference_mode():
        logits = head(features).float().cpu()
        unit = torch.nn.functional.normalize(features, dim=1).cpu().numpy()
    temperature = task.objective.calibrate(logits, scored.targets) if settings["calibrate"] else 1.0
    metrics = {
        "split": "valid",
        "best_epoch": outcome.best["epoch"],
        **task.objective.metrics(logits, scored.targets, unit, temperature=temperature, seed=settings["seed"]),
    }
    write_json(run.path / "metrics.json", metrics)
    draw_history(outcome.history, outcome.best["epoch"], run.path / "figures" / "history.png")
    if has_classes and scored.targets.ndim == 1:
        predicted = logits.argmax(dim=1).numpy()
        draw_confusion(scored.targets, predicted, task.taxonomy.slugs, run.path / "figures" / "confusion.png")
    citations = _citations(prepared)
    votes = getattr(task.taxonomy, "votes", None)
    record = ModelRecord(
        name=run.path.name,
        # a hub's model is rebuilt from what its files said, which then need not be at hand
        backbone=getattr(getattr(task.backbone, "image", task.backbone), "recorded_name", "") or str(name),
        dim=task.backbone.dim,
        head=prepared.head.name,
        preprocess=task.preprocess.as_dict(),
        taxonomy=task.taxonomy.as_dict(),
        temperature=temperature,
        method={**asdict(task.options), "name": method.name, "options": dict(task.options.method)},
        data={**data_record(labelled, settings), **field_record(task.train.fields)},
        metrics=metrics,
        votes=votes.as_dict() if votes else None,
        text_encoder=str(prepared.text_encoder or ""),
        has_text="text" in method.needs,
        has_symbol_tower=outcome.symbol_tower is not None,
        licence=name.weights.licence if name.weights else "",
        citations=citations,
        notes=_notes(prepared.head, temperature),
        created=utc_now(),
        galaxtool=__version__,
    )
    save_model(run.path / "model", GalaxyModel(task.backbone, head, outcome.symbol_tower).eval(), record, task.taxonomy)
    run.manifest["metrics"] = metrics
    run.manifest["citations"] = citations
    return metrics


def _fitted(task: Task, head: HeadSpec) -> Any:
    """Return a head that is fitted to the features of the training images, None where it is trained."""
    if not head.fitted:
        return None
    from dataclasses import replace

    from galaxtool.training.stage import embed_pictures

    made = replace(task, head=head.name).make_head()
    known = _with_labels(task.train)
    made.fit(embed_pictures(task, known), known.targets)  # type: ignore[operator]
    return made.eval()


def _with_labels(pictures: PictureSet) -> PictureSet:
    """Return the pictures whose class or votes are known."""
    from galaxtool.training.task import PictureSet

    if pictures.targets.ndim > 1:
        return pictures
    known = pictures.targets >= 0
    return PictureSet(
        pictures=pictures.pictures[known], targets=pictures.targets[known], weights=pictures.weights[known]
    )


def _notes(head: HeadSpec, temperature: float) -> str:
    if head.name == "none":
        return "Learned without labels: it embeds, and has no classes. No score is known."
    scores = "Scores are of the validation split of its own training data, which chose the best epoch"
    return f"{scores} and the temperature." if temperature != 1.0 else f"{scores}."


def _citations(prepared: TrainingSetup) -> list[dict[str, str]]:
    registry = get_registry()
    known = {spec.name: spec.citation for spec in registry.datasets.specs()}
    name, text = prepared.backbone, prepared.text_encoder
    found: Iterable[Citation | None] = (
        prepared.method.citation,
        prepared.head.citation,
        name.spec.citation,
        name.weights.citation if name.weights else None,
        text.spec.citation if text else None,
        *(known.get(dataset.name.partition(":")[0]) for dataset in prepared.labelled.datasets),
        *prepared.labelled.taxonomy.citations,
    )
    return [asdict(c) for c in dict.fromkeys(found) if c is not None]
