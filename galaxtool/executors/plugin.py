"""The built-in executors."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import ExecutorSpec


@hookimpl
def register_executors() -> list[ExecutorSpec]:
    return [
        ExecutorSpec(
            name="threads",
            summary="One process with several threads: for few images, and for a GPU.",
            factory="galaxtool.executors.threads:ThreadExecutor",
        ),
        ExecutorSpec(
            name="processes",
            summary="One process per core, each with its own copy of the model.",
            factory="galaxtool.executors.processes:ProcessExecutor",
        ),
        ExecutorSpec(
            name="ray",
            summary="One worker per processor of a Ray cluster: ray, or ray://HEAD:10001.",
            factory="galaxtool.executors.ray:RayExecutor",
            requires=("ray",),
        ),
    ]
