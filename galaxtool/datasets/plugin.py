"""The data sets that come with galaxtool."""

from __future__ import annotations

from galaxtool.hookspecs import hookimpl
from galaxtool.specs import DatasetSpec


@hookimpl
def register_datasets() -> list[DatasetSpec]:
    return [
        DatasetSpec(
            name="sample",
            summary="simulated galaxies of the ten Galaxy10 classes, made on the spot",
            factory="galaxtool.simulation.sample:sample_dataset",
            taxonomy="galaxy10",
        ),
        DatasetSpec(
            name="folder",
            summary="a folder with a sub-folder for each class, with train/ valid/ test/, or with a labels.csv",
            factory="galaxtool.datasets.folder:folder_dataset",
            needs_path=True,
        ),
        DatasetSpec(
            name="catalogue",
            summary="a table with a path and a label in each row (.csv .ecsv .fits .vot .parquet)",
            factory="galaxtool.datasets.catalogue:catalogue_dataset",
            needs_path=True,
        ),
    ]
