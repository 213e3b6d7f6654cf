"""A plugin for pytest: a fixture ``galaxtool_check`` that stands for every check of a plugin of galaxtool.

In ``pyproject.toml``::

    [tool.pytest.ini_options]
    addopts = "-p galaxtool.testing.pytest_plugin"
    galaxtool_plugin = "my-net"

and in a test::

    def test_plugin(galaxtool_check):
        galaxtool_check()

The test then runs once for everything that the plugin provides. ``pytest --galaxtool-onnx`` exports backbones and heads
to ONNX too.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from galaxtool.plugins.registry import get_registry
from galaxtool.testing.checklist import Check, CheckSkipped, list_checks

FIXTURE, OPTION = "galaxtool_check", "galaxtool_plugin"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the name of the plugin as a setting, and the switch for ONNX."""
    parser.addini(OPTION, "name of the galaxtool plugin that the fixture galaxtool_check checks", default="")
    parser.addoption(
        "--galaxtool-onnx", action="store_true", help="export the backbones and heads of the galaxtool plugin to ONNX"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each check."""
    if FIXTURE not in metafunc.fixturenames:
        return
    name = str(metafunc.config.getini(OPTION))
    checks = list(list_checks(_find_origin(name), onnx=bool(metafunc.config.getoption("--galaxtool-onnx"))))
    metafunc.parametrize(FIXTURE, checks, ids=[check.what.replace(" ", "-") for check in checks], indirect=True)


@pytest.fixture
def galaxtool_check(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Return one check of the plugin, to be called."""
    check: Check = request.param

    def run() -> None:
        __tracebackhide__ = True
        try:
            check.run()
        except CheckSkipped as reason:
            pytest.skip(str(reason))
        except AssertionError as error:
            pytest.fail(f"{check.what}: {error}", pytrace=False)

    return run


def _find_origin(name: str) -> str:
    """Return the distribution of a plugin.

    Raises
    ------
    pytest.UsageError
        If there is none of this name.
    """
    reports = get_registry().reports()
    found = next((report.origin for report in reports if name and name in (report.name, report.origin)), "")
    if not found:
        raise pytest.UsageError(
            f"{OPTION} = '{name}' names no installed plugin of galaxtool; install it with pip install --editable ."
        )
    return found
