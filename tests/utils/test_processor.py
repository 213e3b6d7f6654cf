"""How threads use the processor."""

from __future__ import annotations

import os

import pytest

from galaxtool.cli.main import application


@pytest.mark.parametrize(
    ("variables", "policy"),
    [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"), ({"GOMP_SPINCOUNT": "100"}, None)],
)
def test_waiting_threads_sleep_unless_the_environment_says_otherwise(
    variables: dict[str, str], policy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
            patch.setenv(name, "")  # so that the environment is restored afterwards
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit):
            application()(["methods", "--json"])
        assert os.environ.get("OMP_WAIT_POLICY") == policy
