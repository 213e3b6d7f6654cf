"""The checks that every plugin can run on what it brings."""

from __future__ import annotations

from galaxtool import check_backbone, check_dataset, check_head


def test_backbone() -> None:
    check_backbone("example-tiny")


def test_dataset() -> None:
    check_dataset("example-shapes")


def test_head() -> None:
    check_head("example-cosine")
