"""Build a command from a public function, with the same name, parameters, defaults and documentation.

The numpydoc section "Parameters" of the function becomes the help of the options, so that the two always agree. Every
command also gets ``--config``, ``--json``, ``--quiet`` and ``--offline``.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand

from galaxtool.cli.render import escape_markup
from galaxtool.utils.config import FORMER_NAMES, Invocation, gather_settings, invocation, is_follower

INPUT_OPTIONS = (
    "hdu", "each_hdu", "bands", "pattern", "mask_hdu", "weight_hdu", "pixel_scale", "pixels", "size_arcsec",
    "stretch", "image_column", "id_column", "ra_column", "dec_column", "table",
)  # fmt: skip
"""Options of every command that reads images."""

_SHORT_FLAGS = {"model": "-m", "output": "-o", "top_k": "-k"}
"""Parameter -> its short flag, the same in all commands."""

_NOT_OPTIONS = ("progress",)


def build_command(
    function: Callable[..., Any],
    *,
    show: Callable[[Any], None],
    afterwards: Callable[[Any], None] | None = None,
    flags: Mapping[str, Sequence[str]] | None = None,
    panels: Mapping[str, Sequence[str]] | None = None,
    epilog: str = "",
    group: str = "",
) -> TyperCommand:
    """Build the command of a public function.

    Parameters
    ----------
    function : callable
        Function to run. All its parameters are keyword-only, except that the first may take the arguments of the
        command line. It returns an object with ``as_dict()``.
    show : callable
        Function that prints the result.
    afterwards : callable, optional
        Function to call with the result once that is printed, such as to serve a page until Ctrl-C.
    flags : mapping, optional
        Parameter -> its flags, if they are not just ``--name`` and the short flag of that name.
    panels : mapping, optional
        Heading in ``--help`` -> parameters listed under it.
    epilog : str, optional
        Examples, shown at the end of the help.
    group : str, optional
        Command that this one is a subcommand of; its settings are in the table ``[GROUP_NAME]``.
    """
    headings = {name: title for title, names in (panels or {}).items() for name in names}
    summary, documented = read_docstring(function)
    hints = get_type_hints(function)
    parameters = [
        _build_option(p, hints[p.name], documented.get(p.name, ""), (flags or {}).get(p.name), headings.get(p.name))
        for p in inspect.signature(function).parameters.values()
        if p.name not in _NOT_OPTIONS
    ]
    own = [p.name for p in parameters]
    empty = [p.name for p in inspect.signature(function).parameters.values() if p.default == ()]
    takes_progress = "progress" in inspect.signature(function).parameters

    def run(ctx: typer.Context, **values: Any) -> None:
        common = {name: values.pop(name) for name in ("config", "as_json", "quiet", "offline")}
        # Typer passes None for an empty list
        values.update({name: () for name in empty if values[name] is None})
        if is_follower():
            common.update(quiet=True, as_json=False)
        if common["offline"]:
            os.environ["GALAXTOOL_OFFLINE"] = "1"
        token = invocation.set(Invocation(argv=tuple(sys.argv), sources=_find_sources(ctx, own)))
        try:
            if takes_progress:
                from galaxtool.cli.progress import make_progress

                with make_progress(quiet=common["quiet"]) as progress:
                    result = function(**values, progress=progress)
            else:
                result = function(**values)
        finally:
            invocation.reset(token)
        if common["as_json"]:
            from galaxtool.cli.render import print_json

            print_json(result.as_dict())
        elif not common["quiet"]:
            show(result)
        if afterwards is not None:
            sys.stdout.flush()
            afterwards(result)

    name = function.__name__
    several = [p.name for p in parameters if "list" in str(p.annotation.__origin__)]
    settings = f"{group}_{name}" if group else name
    shared = [_build_config_parameter(settings, own, several), *_build_common_parameters()]
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    everything = [context, *parameters, *shared]
    run.__signature__ = inspect.Signature(everything)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in everything}
    app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_show_locals=False)
    app.command(
        name,
        cls=_choose_class(name),
        help=summary,
        epilog=escape_markup(epilog) or None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )(run)
    command = typer.main.get_command(app)
    assert isinstance(command, TyperCommand)
    return command


def _choose_class(command: str) -> type[TyperCommand]:
    """Return the class of a command, which takes options by their former names without listing these."""
    names = {_to_flag(old): _to_flag(name) for old, name in FORMER_NAMES.get(command, {}).items()}

    class Command(TyperCommand):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            end = args.index("--") if "--" in args else len(args)
            known = [_rename_flag(text, names) for text in args[:end]]
            return super().parse_args(ctx, known + args[end:])

        def collect_usage_pieces(self, ctx: Any) -> list[str]:
            # Typer would write {inputs}...
            found = [parameter for parameter in self.params if parameter.param_type_name == "argument"]
            return [self.options_metavar or "", *(describe_argument(parameter) for parameter in found)]

    return Command


def name_argument(name: str, *, takes_several: bool) -> str:
    """Return the name of an argument in help and documentation: ``INPUT...`` for ``inputs``.

    Examples
    --------
    >>> name_argument("inputs", takes_several=True), name_argument("job", takes_several=False)
    ('INPUT...', 'JOB')
    """
    return f"{name.upper().removesuffix('S')}..." if takes_several else name.upper()


def describe_argument(parameter: Any) -> str:
    """Return an argument as in a usage line: in brackets if it may be left out."""
    shown = name_argument(parameter.name, takes_several=parameter.nargs == -1)
    return shown if parameter.required else f"[{shown}]"


def _rename_flag(text: str, names: Mapping[str, str]) -> str:
    """Return an argument of the command line with the present name of its option."""
    flag, equals, value = text.partition("=")
    return names.get(flag, flag) + equals + value


def _to_flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def read_docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """Split a numpydoc docstring into the text before its sections, and the description of each parameter."""
    text = inspect.getdoc(function) or ""
    before = re.split(r"\n(?=\w[\w ]*\n-{3,}\n)", text)[0].strip()
    before = re.sub(r"(?<!\n)\n(?!\n)", " ", before)  # paragraphs are wrapped to the width of the terminal
    section = re.search(r"\nParameters\n-+\n(.*?)(?=\n\n?\w[\w ]*\n-{3,}\n|\Z)", text, re.DOTALL)
    described: dict[str, str] = {}
    names: list[str] = []
    for line in (section.group(1) if section else "").splitlines():
        if line and not line[0].isspace():
            names = [n.strip() for n in line.partition(" : ")[0].split(",")]
            described.update(dict.fromkeys(names, ""))
        elif line.strip():
            for n in names:
                described[n] = f"{described[n]} {line.strip()}".strip()
    return escape_markup(before), {n: escape_markup(d) for n, d in described.items()}


def _build_option(
    parameter: inspect.Parameter, hint: Any, text: str, flags: Sequence[str] | None, panel: str | None
) -> inspect.Parameter:
    """Return the Typer parameter of a function's parameter."""
    plain, metavar = _choose_typer_type(hint)
    if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
        info: Any = typer.Argument(
            help=text, metavar=metavar or name_argument(parameter.name, takes_several="list" in str(plain)),
            show_default=False,
        )  # fmt: skip
    else:
        flag = parameter.name.replace("_", "-")
        names = flags or [f"--{flag}/--no-{flag}" if parameter.default is True else f"--{flag}"]
        if not flags and parameter.name in _SHORT_FLAGS:
            names = [*names, _SHORT_FLAGS[parameter.name]]
        info = typer.Option(
            *names, help=text, rich_help_panel=panel, show_default=parameter.default not in (None, (), "")
        )
    default = parameter.default
    if isinstance(default, tuple):
        default = list(default) or None
    return inspect.Parameter(
        parameter.name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[plain, info], default=default
    )


def _choose_typer_type(hint: Any) -> tuple[Any, str | None]:
    """Return a type that Typer understands, and a metavar: sequences of names or paths become lists of str."""
    text = str(hint)
    if "Sequence" in text:
        return (list[str] | None if "None" in text else list[str]), None
    if "str | pathlib" in text or "float | str" in text:
        return (str | None if "None" in text else str), None
    return hint, None


def _build_config_parameter(command: str, names: list[str], several: list[str]) -> inspect.Parameter:
    """Return ``--config``, which sets the defaults of the other options; those in `several` are lists."""

    def read(ctx: typer.Context, value: Path | None) -> Path | None:
        if not ctx.resilient_parsing:
            found, ctx.meta["sources"] = gather_settings(command, names, value)
            # a single text stands for a list of one
            ctx.default_map = {k: [v] if k in several and not isinstance(v, list) else v for k, v in found.items()}
        return value

    info = typer.Option(
        "--config", metavar="FILE", help=escape_markup(f"TOML file with settings in a table [{command}]."),
        is_eager=True, callback=read, rich_help_panel="Common options", show_default=False,
    )  # fmt: skip
    return inspect.Parameter(
        "config", inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[Path | None, info], default=None
    )


def _build_common_parameters() -> list[inspect.Parameter]:
    """Return the options that every command has."""
    described = {
        "as_json": ("--json", "Print the result as JSON."),
        "quiet": ("--quiet", "Print only errors; --json still prints the result."),
        "offline": ("--offline", "Disable downloads; same as GALAXTOOL_OFFLINE=1."),
    }
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Annotated[bool, typer.Option(flag, help=text, rich_help_panel="Common options")],
            default=False,
        )
        for name, (flag, text) in described.items()
    ]


def _find_sources(ctx: typer.Context, names: list[str]) -> dict[str, str]:
    """Return the source of each setting: ``flag``, ``file PATH``, ``environment NAME`` or ``default``."""
    elsewhere = ctx.meta.get("sources", {})
    found = {}
    for name in names:
        source = ctx.get_parameter_source(name)
        kind = source.name if source is not None else "DEFAULT"
        found[name] = "flag" if kind == "COMMANDLINE" else elsewhere.get(name, "default")
    return found
