"""The command line of ``galaxtool plugins`` with its subcommands."""

from __future__ import annotations

import os
from typing import Any

from typer.core import TyperCommand, TyperGroup

from galaxtool.authoring.results import NewPlugin, PluginChange, PluginCheck, PluginCheckFailed, PluginDiagnosis
from galaxtool.cli.build import build_command
from galaxtool.cli.provided import describe_provided
from galaxtool.cli.render import echo, print_table
from galaxtool.commands import plugin_tools

_MOST_NAMES = 4

GROUP = "plugins"


class PluginsGroup(TyperGroup):
    """The listing ``plugins``, which runs where no subcommand is named."""

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand alone if there is one; ``--offline`` before it counts too."""
        if ctx._protected_args or ctx.args:
            if ctx.params.get("offline"):
                os.environ["GALAXTOOL_OFFLINE"] = "1"
            ctx.command.callback = None
        return super().invoke(ctx)


def add_subcommands(listing: TyperCommand) -> PluginsGroup:
    """Make a group of the listing ``plugins`` and the commands for authors."""
    return PluginsGroup(
        name=GROUP,
        commands={command.name or "": command for command in (new(), install(), uninstall(), check(), doctor())},
        callback=listing.callback,
        params=listing.params,
        help=listing.help,
        invoke_without_command=True,
        context_settings=listing.context_settings,
    )


def new() -> TyperCommand:
    """Build the command ``plugins new``."""
    return build_command(
        plugin_tools.new,
        show=_show_new,
        group=GROUP,
        epilog="Examples:  galaxtool plugins new my-net --kind backbone  |  "
        "galaxtool plugins new my-survey --kind dataset -o code/my-survey",
    )


def install() -> TyperCommand:
    """Build the command ``plugins install``."""
    return build_command(
        plugin_tools.install,
        show=_show_change,
        group=GROUP,
        flags={"editable": ("--editable", "-e"), "upgrade": ("--upgrade", "-U")},
        epilog="Examples:  galaxtool plugins install galaxtool-zoobot  |  galaxtool plugins install -e ./my-net",
    )


def uninstall() -> TyperCommand:
    """Build the command ``plugins uninstall``."""
    return build_command(plugin_tools.uninstall, show=_show_change, group=GROUP)


def check() -> TyperCommand:
    """Build the command ``plugins check``."""
    return build_command(
        plugin_tools.check,
        show=_show_check,
        group=GROUP,
        afterwards=_verify,
        epilog="Examples:  galaxtool plugins check my-net  |  galaxtool plugins check .",
    )


def doctor() -> TyperCommand:
    """Build the command ``plugins doctor``."""
    return build_command(plugin_tools.doctor, show=_show_doctor, group=GROUP)


def _show_new(result: NewPlugin) -> None:
    folder = str(result.folder)
    echo(
        f"{folder}: {len(result.files)} files",
        *(f"  {file}" for file in result.files),
        "",
        "Try it:",
        f"  galaxtool plugins check {folder}",
        f"  galaxtool plugins install --editable {folder}",
    )


def _show_change(result: PluginChange) -> None:
    for row in result.plugins:
        version = f" {row['version']}" if row["version"] else ""
        echo(
            f"{result.action} {row['from']}{version}: plugin {row['name']} ({', '.join(row['provides']) or 'nothing'})"
        )
        if row["status"] == "failed" and result.action == "installed":
            echo(f"  it fails: {row['problem']}; see galaxtool plugins doctor")


def _show_check(result: PluginCheck) -> None:
    rows = [{"check": row.what, "result": row.result, "what to change": row.message} for row in result.rows]
    print_table(rows, ("check", "result", "what to change"))
    if not result.failed:
        echo("", f"'{result.plugin}' passes.")


def _verify(result: PluginCheck) -> None:
    if result.failed:
        raise PluginCheckFailed(result)


def _show_doctor(found: PluginDiagnosis) -> None:
    echo(f"galaxtool {found.galaxtool}, hooks {found.hook_api}", "")
    rows = [
        {**row, "load": f"{row['load_ms']:.0f} ms", "provides": describe_provided(row["provides"], most=_MOST_NAMES)}
        for row in found.plugins
    ]
    print_table(rows, ("name", "from", "version", "status", "load", "provides"))
    echo(
        "",
        *(f"note       {note}" for note in found.notes),
        *(f"TO FIX     {problem}" for problem in found.problems),
        "Nothing to fix." if not found.problems else "",
    )
