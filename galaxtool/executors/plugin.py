"""The built-in executors."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import ExecutorSpec


@hookimpl
def register_executors() -> list[ExecutorSpec]:
    return [
        ExecutorSpec(
            name="threads",
            summary="One process, in which threads read ahead: for few images, and for a GPU.",
            factory="galaxtool.executors.threads:ThreadExecutor",
        ),
        ExecutorSpec(
            name="processes",
            summary="A process for each core, every one with the model.",
            factory="galaxtool.executors.processes:ProcessExecutor",
        ),
        ExecutorSpec(
            name="ray",
            summary="A process for each processor of a Ray cluster: ray, or ray://HEAD:10001.",
            factory="galaxtool.executors.ray:RayExecutor",
            requires=("ray",),
        ),
    ]
