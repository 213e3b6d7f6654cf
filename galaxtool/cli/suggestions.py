"""Suggest the command or option that a user may have meant, also by its name in other programs."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from galaxtool.plugins.own_plugins import COMMAND, OWN_PLUGINS, explain_missing_plugin

_WORDS = {
    "finetune": "train training fit tune fine-tune finetuning learn",
    "classify": "predict prediction predictions infer inference score run apply classification",
    "evaluate": "eval evaluation validate test metrics",
    "compare": "comparison diff difference versus",
    "embed": "embedding embeddings encode features extract vectorize",
    "index": "build build-index indexing",
    "similar": "search find query neighbours neighbors nearest knn lookup similarity match",
    "export": "convert onnx to-onnx deploy save",
    "cutouts": "crop cut cutout stamps postage-stamps thumbnails",
    "merge": "join combine collect concat gather",
    "simulate": "generate mock mocks fake simulation sim",
    "explore": "browse view gallery serve",
    "label": "annotate annotation labelling labeling vote",
    "cite": "bibtex citation citations reference references acknowledge",
    "doctor": "info check diagnose status env devices system",
    "backbones": "architectures networks encoders",
    "taxonomies": "classes labels",
    "models": "zoo",
    "datasets": "data",
    "plugins": "extensions",
}
_COMMANDS = {word: name for name, words in _WORDS.items() for word in words.split()}
_SENTENCES = {
    "version": "Type: galaxtool --version",
    "help": "Type: galaxtool --help",
    "list": "Type galaxtool --help for the commands; backbones, datasets, models and taxonomies are listings.",
    "download": "galaxtool downloads weights when they are needed; 'galaxtool backbones' tells which are here.",
    "report": "A report is an option: galaxtool classify ... --html page.html",
}
_SENTENCES |= {"ls": _SENTENCES["list"], "html": _SENTENCES["report"], "fetch": _SENTENCES["download"]}

_OPTION_WORDS = {
    "output": "out output-dir outdir out-dir output-file outfile dest destination save save-to run-dir o",
    "batch-size": "batch bs batchsize",
    "device cuda": "gpu gpus cuda use-gpu",
    "device cpu": "cpu no-gpu no-cuda",
    "lr": "learning-rate rate",
    "epochs": "epoch num-epochs n-epochs max-epochs",
    "overwrite": "force clobber replace",
    "resume": "continue restart",
    "workers": "threads jobs n-jobs num-workers n-workers processes nproc cores parallel",
    "model": "m checkpoint ckpt weights model-path network",
    "backbone": "model architecture arch encoder network weights",
    "top-k": "k top topk n number",
    "precision fp16": "half amp fp16 float16",
    "precision bf16": "bf16 bfloat16",
    "html": "report page",
    "json": "format",
    "hdu": "ext extension",
    "pixel-scale": "scale pixscale plate-scale",
    "size-arcsec": "fov size field",
    "bands": "filters channels band",
    "channels": "bands",
    "image-column": "path-column file-column image",
    "label-column": "label labels target class-column",
    "id-column": "id ids name-column",
    "ra-column": "ra",
    "dec-column": "dec",
    "valid-fraction": "val-split validation-split val-fraction val validation-fraction",
    "terms": "taxonomy coarse classes",
    "taxonomy": "terms classes",
    "quiet": "silent",
}


def describe_unknown_command(word: str, names: Iterable[str]) -> str:
    """Return the message for a command that does not exist, or that only a plugin has which is not installed.

    Examples
    --------
    >>> describe_unknown_command("train", ["finetune", "classify"])
    "No such command 'train'. Did you mean 'finetune'?"
    """
    message, known = f"No such command '{word}'.", list(names)
    key = word.lower().replace("_", "-")
    if key in _SENTENCES:
        return f"{message} {_SENTENCES[key]}"
    absent = [name for plugin in OWN_PLUGINS for name in plugin.names[COMMAND] if name not in known]
    close = difflib.get_close_matches(key, [*absent, *known, *_COMMANDS], n=1, cutoff=0.7)
    name = _COMMANDS.get(key) or (_COMMANDS.get(close[0], close[0]) if close else "")
    if name and name != word:
        message += f" Did you mean '{name}'?"
    if name in absent:
        return " ".join([message, *filter(None, explain_missing_plugin(COMMAND, name))])
    return message if name else f"{message} galaxtool --help lists them."


def find_option(word: str, flags: Collection[str]) -> str:
    """Return what to type instead of an option that does not exist; empty if nothing is near enough.

    Parameters
    ----------
    word : str
        The option, with its dashes.
    flags : collection of str
        Options that the command has.

    Examples
    --------
    >>> find_option("--gpu", ["--device", "--output"]), find_option("--batch", ["--batch-size"])
    ('--device cuda', '--batch-size')
    """
    key = word.lstrip("-").lower().replace("_", "-")
    if f"--{key}" in flags:
        return f"--{key}"
    for option, words in _OPTION_WORDS.items():
        name, _, _ = option.partition(" ")
        if key in words.split() and f"--{name}" in flags:
            return f"--{option}"
    longer = [flag for flag in flags if len(key) > 2 and flag.startswith(f"--{key}")]
    close = longer or difflib.get_close_matches(f"--{key}", [flag for flag in flags if flag[:2] == "--"], 1, 0.7)
    return close[0] if close else ""


def describe_unknown_option(word: str, flags: Collection[str], others: Callable[[], Mapping[str, Any]]) -> str:
    """Return the message for an option that a command does not have.

    Parameters
    ----------
    word : str
        The option, with its dashes.
    flags : collection of str
        Options that the command has.
    others : callable
        Returns the options of the other commands by command, in case that one of them has it.
    """
    message = f"No such option: {word}."
    if near := find_option(word, flags):
        return f"{message} Did you mean {near}?"
    owners = [name for name, their in others().items() if word in their]
    if owners:
        return f"{message} It is an option of {', '.join(owners)}."
    return f"{message} --help lists the options."
