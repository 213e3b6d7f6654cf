"""The features of images with a class, to which a head is fitted."""

from __future__ import annotations

import numpy as np
import torch

from galaxtool.errors import TrainingError


def select_labeled(
    features: torch.Tensor, targets: torch.Tensor | np.ndarray, consequence: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the features (M, dim) and classes (M,) of the images that have a class.

    Parameters
    ----------
    features : Tensor, shape (N, dim)
        Features of all images.
    targets : Tensor or ndarray of int, shape (N,)
        Class of each image; negative for none.
    consequence : str
        What follows if no image has a class, as the end of a sentence.

    Raises
    ------
    TrainingError
        If no image has a class.
    """
    classes = torch.as_tensor(targets, dtype=torch.int64, device=features.device)
    has_class = classes >= 0
    if not bool(has_class.any()):
        raise TrainingError(
            f"None of the training images has a class, so {consequence}.",
            hint="Add labelled images, or leave --head out.",
        )
    return features.detach()[has_class], classes[has_class]
