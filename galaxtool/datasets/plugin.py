"""The data sets that come with galaxtool."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import Citation, DatasetSpec

_GALAXY10 = Citation(
    text="Leung, H. W. & Bovy, J. 2019, Deep learning of multi-element abundances from high-resolution spectroscopic "
    "data, MNRAS 483, 3255 (astroNN, Galaxy10)",
    doi="10.1093/mnras/sty3217",
    arxiv="1808.04428",
)
_GALAXYMNIST = Citation(
    text="Walmsley, M. et al. 2022, Galaxy Zoo DECaLS: Detailed visual morphology measurements from volunteers and "
    "deep learning for 314,000 galaxies, MNRAS 509, 3966",
    doi="10.1093/mnras/stab2093",
    arxiv="2102.08414",
)
_RGZ = Citation(
    text="Wu, C. et al. 2019, Radio Galaxy Zoo: CLARAN - a deep learning classifier for radio morphologies, MNRAS 482, "
    "1211",
    doi="10.1093/mnras/sty2646",
    arxiv="1805.12008",
)


@hookimpl
def register_datasets() -> list[DatasetSpec]:
    return [
        DatasetSpec(
            name="sample",
            summary="simulated galaxies of the ten Galaxy10 classes, generated on the spot",
            factory="galaxtool.simulation.sample:sample_dataset",
            taxonomy="galaxy10",
        ),
        DatasetSpec(
            name="folder",
            summary="a folder with a sub-folder for each class, with train/ valid/ test/, or with a labels.csv",
            factory="galaxtool.datasets.folder:open_folder",
            needs_path=True,
        ),
        DatasetSpec(
            name="catalogue",
            summary="a table with a path and a label in each row (.csv .ecsv .fits .vot .parquet)",
            factory="galaxtool.datasets.catalogue:open_catalogue",
            needs_path=True,
        ),
        DatasetSpec(
            name="archive",
            summary="a tar or zip archive of any form that a folder may have, or an HDF5 or NumPy stack with labels",
            factory="galaxtool.datasets.archive:open_archive",
            needs_path=True,
        ),
        DatasetSpec(
            name="galaxy10",
            summary="Galaxy10 DECaLS, ten classes: Galaxy10_DECals.h5",
            factory="galaxtool.datasets.published.galaxy10:open_galaxy10",
            needs_path=True,
            taxonomy="galaxy10",
            citation=_GALAXY10,
            licence="as its page says; acknowledge Galaxy Zoo and the DESI Legacy Imaging Surveys",
        ),
        DatasetSpec(
            name="galaxy10-sdss",
            summary="Galaxy10 SDSS, the set before it, with ten other classes: Galaxy10.h5",
            factory="galaxtool.datasets.published.galaxy10_sdss:open_galaxy10_sdss",
            needs_path=True,
            citation=_GALAXY10,
            licence="as its page says; acknowledge Galaxy Zoo and the SDSS",
        ),
        DatasetSpec(
            name="galaxymnist",
            summary="GalaxyMNIST, four classes: the folder of train and test .hdf5, or one of them",
            factory="galaxtool.datasets.published.galaxymnist:open_galaxymnist",
            needs_path=True,
            taxonomy="galaxymnist",
            citation=_GALAXYMNIST,
            licence="as its page says; acknowledge Galaxy Zoo DECaLS and the DESI Legacy Imaging Surveys",
        ),
        DatasetSpec(
            name="rgz",
            summary="Radio Galaxy Zoo, six classes: folders such as 1C_1P, 2C_3P, or its development kit",
            factory="galaxtool.datasets.published.rgz:open_rgz",
            needs_path=True,
            taxonomy="rgz",
            citation=_RGZ,
            licence="as its source says; images of the FIRST survey are for scholarly and private use",
        ),
    ]
