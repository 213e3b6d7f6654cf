"""Small models and images for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from galaxtool.backbones.small_resnet import build as build_resnet
from galaxtool.heads.prompt import PromptHead
from galaxtool.models.directory import save_model
from galaxtool.models.network import GalaxyModel
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.symbols import load_symbols
from galaxtool.vision.preprocess import Preprocess

SLUGS = ("merging", "round_smooth", "barred_spiral")


def make_model(folder: Path, slugs: Sequence[str] = SLUGS, *, seed: int = 0, symbols: bool = True) -> Path:
    """Write an untrained `small-resnet` model of some Galaxy10 classes as a model directory, and return the folder.

    The head contains the embeddings of the prompts and, with `symbols`, of the symbols by the random encoders. The
    model can do everything that a trained one can, with meaningless scores.
    """
    torch.manual_seed(seed)
    registry = get_registry()
    found = registry.taxonomies.find("galaxy10")
    taxonomy = found.create(found.spec).subset(slugs)
    backbone = build_resnet(architecture="small-resnet", weights=None).eval()
    preprocess = Preprocess(size=backbone.image_size)
    drawings = torch.from_numpy(preprocess.normalize(load_symbols(taxonomy, preprocess.size)[:, 0]))
    with torch.inference_mode():
        head = PromptHead(backbone.dim, len(taxonomy)).fill(
            prompts=backbone.embed_text(taxonomy.prompts),
            symbols=backbone.embed(drawings) if symbols else None,
            log_scale=torch.tensor(3.0),
            score="both",
        )
    record = ModelRecord(
        name=folder.name,
        backbone="small-resnet@none",
        dim=backbone.dim,
        head="prompt",
        preprocess=preprocess.as_dict(),
        taxonomy=taxonomy.as_dict(),
        has_text=True,
    )
    save_model(folder, GalaxyModel(backbone, head).eval(), record, taxonomy)
    return folder


def write_fits(path: Path, seed: int, *, ra: float | None = None, dec: float | None = None, size: int = 48) -> Path:
    """Write a galaxy-like blob with noise as FITS, with a WCS of 0.262 arcsec per pixel if a position is given."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - size / 2
    angle, flat = rng.uniform(0, np.pi), rng.uniform(1, 5)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    data = np.exp(-np.sqrt(u**2 + (flat * v) ** 2) / rng.uniform(3, 9)) + rng.normal(0, 0.02, (size, size))
    header = fits.Header()
    if ra is not None and dec is not None:
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval, wcs.wcs.crpix = [ra, dec], [(size + 1) / 2, (size + 1) / 2]
        wcs.wcs.cdelt = [-0.262 / 3600, 0.262 / 3600]
        header = wcs.to_header()
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.writeto(path, data.astype(np.float32), header, overwrite=True)
    return path


def write_png(path: Path, seed: int, *, size: int = 40) -> Path:
    """Write a picture with coloured patches."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 255, (4, 4, 3), dtype=np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    small.resize((size, size), Image.Resampling.BICUBIC).save(path)
    return path
