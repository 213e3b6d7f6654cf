"""The settings that a method or a kind of figure has of its own, given as ``--option NAME=VALUE``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from galaxtool.errors import ConfigError, UnknownName

OptionValue = int | float | bool | str

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodOption:
    """A setting of one training method or of one kind of figure: ``--option NAME=VALUE``.

    Parameters
    ----------
    name : str
        Name of the setting.
    default : int, float, bool or str
        Default; its type is the type of the setting.
    summary : str
        One line.
    choices : tuple of str
        Values of a setting that is a word; empty if it may be any.
    former : str
        Name of the setting in an earlier version, which is still accepted; may be empty.
    """

    name: str
    default: int | float | bool | str
    summary: str
    choices: tuple[str, ...] = ()
    former: str = ""


def parse_options(
    owner: str, options: Sequence[MethodOption], given: Sequence[str], *, note: str = ""
) -> dict[str, OptionValue]:
    """Parse ``NAME=VALUE`` texts, and fill in the defaults of the other options.

    Parameters
    ----------
    owner : str
        What the options belong to, for messages: ``"the method 'lora'"``.
    options : sequence of MethodOption
        The options that it has.
    given : sequence of str
        Texts, the later ones taking precedence.
    note : str
        Further sentence for the error about an unknown option.

    Raises
    ------
    UnknownName
        If there is no such option.
    ConfigError
        If a value does not have the option's type.
    """
    known = {option.name: option for option in options}
    former = {option.former: name for name, option in known.items() if option.former}
    values: dict[str, OptionValue] = {name: option.default for name, option in known.items()}
    for text in given:
        name, equals, value = text.partition("=")
        name = former.get(name, name)
        if name not in known:
            raise UnknownName(f"option of {owner}", name, known, note=note)
        if not equals:
            raise ConfigError(f"--option {text} has no value.", hint=f"Write --option {name}={known[name].default}.")
        values[name] = _convert(known[name], value)
    return values


def _convert(option: MethodOption, text: str) -> OptionValue:
    """Convert the value of an option to the type of its default."""
    kind = type(option.default)
    if option.choices and text.lower() not in option.choices:
        raise ConfigError(f"--option {option.name}={text}: it must be one of {', '.join(option.choices)}.")
    try:
        if kind is bool:
            return {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}[text.lower()]
        return text.lower() if option.choices else kind(text)
    except (ValueError, KeyError):
        expected = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise ConfigError(f"--option {option.name}={text}: it must be {expected}.") from None
