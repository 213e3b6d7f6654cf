"""The hooks of this plugin: only specs, so that listings import nothing heavy."""

from __future__ import annotations

from pathlib import Path

from galaxtool import BackboneSpec, DatasetSpec, HeadSpec, MethodOption, MethodSpec, VoteSchemaSpec, hookimpl
from galaxtool_zoobot.citations import ZOOBOT
from galaxtool_zoobot.encoders.catalog import ENCODERS

GALAXTOOL_API = "1.0"

_SCHEMAS = Path(__file__).resolve().parent / "schemas"


@hookimpl
def register_backbones() -> list[BackboneSpec]:
    return [encoder.make_spec() for encoder in ENCODERS]


@hookimpl
def register_vote_schemas() -> list[VoteSchemaSpec]:
    return [
        VoteSchemaSpec(name=name, summary=summary, path=str(_SCHEMAS / f"{name}.toml"))
        for name, summary in (
            ("gz-desi", "Galaxy Zoo DESI: ten questions of each of three campaigns."),
            ("gz-hubble", "Galaxy Zoo Hubble: thirteen questions on HST galaxies."),
            ("gz-candels", "Galaxy Zoo CANDELS: twelve questions on CANDELS galaxies."),
            ("gz-cosmic-dawn", "Galaxy Zoo Cosmic Dawn: thirteen questions on Hyper Suprime-Cam galaxies."),
            ("gz-euclid", "Galaxy Zoo Euclid: thirteen questions on Euclid galaxies."),
            ("gz-rings", "Galaxy Zoo rings: one question."),
            ("gz-evo", "Galaxy Zoo Evo: all questions of GZ2, UKIDSS, Hubble, CANDELS, DESI and Cosmic Dawn."),
        )
    ]


@hookimpl
def register_datasets() -> list[DatasetSpec]:
    return [
        DatasetSpec(
            name="zoobot",
            summary="Catalogues of galaxy-datasets: a table with id_str and file_loc, or a whole downloaded folder.",
            factory="galaxtool_zoobot.datasets.build:build",
            needs_path=True,
        )
    ]


@hookimpl
def register_heads() -> list[HeadSpec]:
    return [
        HeadSpec(
            name="zoobot-fraction",
            summary="Numbers between 0 and 1 with error bars, such as vote fractions, with --target.",
            factory="galaxtool_zoobot.heads.fraction:build",
            label_kinds=("values",),
            objective="galaxtool.training.regression:RegressionObjective",
            citation=ZOOBOT,
        )
    ]


@hookimpl
def register_methods() -> list[MethodSpec]:
    return [
        MethodSpec(
            name="zoobot",
            summary="Tuning as Zoobot's authors advise: last blocks first, lower rates for lower blocks, dropout.",
            factory="galaxtool_zoobot.training.tune:stages",
            head="linear",
            label_kinds=("class", "votes", "values"),
            lengths=("epochs",),
            ignores=("layer_decay", "dropout"),
            lr=1e-4,
            options=(
                MethodOption(
                    name="blocks",
                    default="all",
                    summary="Number of last blocks that learn (the stem counts as one), or all; 0 for the head alone.",
                ),
                MethodOption(
                    name="lr_decay",
                    default=0.75,
                    summary="Ratio of the learning rates of a block and the one above; the last has that of the head.",
                ),
                MethodOption(name="dropout", default=0.5, summary="Share of the features dropped before the head."),
            ),
            citation=ZOOBOT,
        )
    ]
