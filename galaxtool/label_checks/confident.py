"""Confident learning: how many labels are wrong, and which, by probabilities from cross-validation.

The method is that of Northcutt, Jiang and Chuang 2021 (Journal of Artificial Intelligence Research 70, 1373,
arXiv:1911.00068).
"""

from __future__ import annotations

import numpy as np


def compute_thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the mean probability of each class over the images with its label, float64 (K,).

    Parameters
    ----------
    labels : ndarray of int, shape (N,)
        Labels from 0 to K - 1, each of them at least once.
    probabilities : ndarray, shape (N, K)
        Probabilities of the classes from models that have not seen the image.
    """
    own = probabilities[np.arange(len(labels)), labels].astype(float)
    return np.bincount(labels, own, probabilities.shape[1]) / np.bincount(labels, minlength=probabilities.shape[1])


def count_confident_joint(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Count images by their label and the class that they confidently belong to.

    Returns
    -------
    ndarray of int, shape (K, K)
        Entry i, j is the number of images with the label i whose most probable class is j, among the classes whose
        probability reaches their threshold; an image that reaches none is not counted.
    """
    classes = probabilities.shape[1]
    is_confident = probabilities >= compute_thresholds(labels, probabilities) - 1e-9
    guess = np.where(is_confident, probabilities, -1.0).argmax(axis=1)
    counted = is_confident.any(axis=1)
    return np.bincount(labels[counted] * classes + guess[counted], minlength=classes**2).reshape(classes, classes)


def find_wrong_labels(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Find the labels that are probably wrong.

    Returns
    -------
    ndarray of int
        Rows whose label is not the most probable class: those with the least probable labels, the least probable
        first, as many as the confident joint has off its diagonal.
    """
    joint = count_confident_joint(labels, probabilities)
    count = int(joint.sum() - np.trace(joint))
    own = probabilities[np.arange(len(labels)), labels]
    rows = np.argsort(own, kind="stable")[:count]
    wrong: np.ndarray = rows[probabilities[rows].argmax(axis=1) != labels[rows]]
    return wrong
