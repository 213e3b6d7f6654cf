"""Weight files: where they are looked for, and what is read from them."""

from __future__ import annotations

import argparse
import functools
import hashlib
import http.server
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from galaxtool.backbones.weights.hub import get_cache_path
from galaxtool.backbones.weights.load import load_weights, locate_weights, read_state_dict
from galaxtool.errors import ModelError, OfflineError
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import Weights

WEB = "https://download.example.org/models/net-{digest}.pth"
REPOSITORY = "someone/galaxies"


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Give galaxtool, the hub's client and torch.hub empty caches."""
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path / "galaxtool"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "huggingface"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return {
        "galaxtool": tmp_path / "galaxtool" / "weights",
        "huggingface": tmp_path / "huggingface",
        "torch": tmp_path / "torch" / "hub" / "checkpoints",
    }


def put(file: Path, content: bytes) -> str:
    """Write a file and return its SHA-256."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def put_on_hub(cache: Path, files: dict[str, bytes]) -> None:
    """Put files where the hub's client keeps those of `REPOSITORY`."""
    place = cache / f"models--{REPOSITORY.replace('/', '--')}"
    put(place / "refs" / "main", b"0123")
    for name, content in files.items():
        put(place / "snapshots" / "0123" / name, content)


def find(uri: str, sha256: str = "") -> Path:
    return locate_weights(Weights(tag="t", uri=uri, sha256=sha256), "net@t", get_registry())


# --- where they are looked for ---------------------------------------------------------------------------------------


def test_a_file_of_the_web_is_looked_for_in_both_caches(caches: dict[str, Path]) -> None:
    digest = hashlib.sha256(b"theirs").hexdigest()
    uri = WEB.format(digest=digest[:8])
    with pytest.raises(OfflineError, match="galaxtool is offline") as caught:
        find(uri, digest[:8])
    assert uri in caught.value.message and f"--backbone net@/path/to/net-{digest[:8]}.pth" in caught.value.hint
    put(caches["torch"] / f"net-{digest[:8]}.pth", b"theirs")
    assert find(uri, digest[:8]).read_bytes() == b"theirs"
    own = get_cache_path(uri, caches["galaxtool"])
    assert own.is_relative_to(caches["galaxtool"]) and own.name == f"net-{digest[:8]}.pth"
    put(own, b"ours")
    assert find(uri).read_bytes() == b"ours"


def test_no_address_leads_out_of_the_cache(caches: dict[str, Path]) -> None:
    place = get_cache_path("https://example.org/../../%2e%2e/a/../net.pth", caches["galaxtool"])
    assert place == caches["galaxtool"] / "https" / "example.org" / "a" / "net.pth"


def test_the_first_digits_of_the_digest_are_checked(caches: dict[str, Path]) -> None:
    digest = put(caches["torch"] / "net-01234567.pth", b"cut off")
    with pytest.raises(ModelError, match=r"net-01234567\.pth' is damaged") as caught:
        find(WEB.format(digest="01234567"), "01234567")
    assert "download it again" in caught.value.hint
    assert find(WEB.format(digest="01234567"), digest[:8]).read_bytes() == b"cut off"


def test_a_file_of_the_hub_is_looked_for_in_both_caches(caches: dict[str, Path]) -> None:
    uri = f"hf-hub:{REPOSITORY}/w.safetensors"
    with pytest.raises(OfflineError, match=uri):
        find(uri)
    put_on_hub(caches["huggingface"], {"w.safetensors": b"theirs"})
    assert find(uri).read_bytes() == b"theirs"
    put_on_hub(caches["galaxtool"], {"w.safetensors": b"ours"})
    assert find(uri).read_bytes() == b"ours"


def test_an_older_repository_has_a_pytorch_file(caches: dict[str, Path]) -> None:
    put_on_hub(caches["huggingface"], {"pytorch_model.bin": b"old"})
    assert find(f"hf-hub:{REPOSITORY}/model.safetensors").read_bytes() == b"old"
    with pytest.raises(OfflineError):
        find(f"hf-hub:{REPOSITORY}/other.safetensors")


def test_a_repository_is_found_whole_in_one_cache(caches: dict[str, Path]) -> None:
    """The description and the weights belong together; of halves in two caches neither is taken."""
    put_on_hub(caches["huggingface"], {"config.json": b"{}"})
    put_on_hub(caches["galaxtool"], {"model.safetensors": b"w"})
    with pytest.raises(OfflineError) as caught:
        find(f"hf-hub:{REPOSITORY}")
    assert f"hf-hub:{REPOSITORY}, config.json and model.safetensors" in caught.value.message
    assert "--backbone net@/path/to/folder" in caught.value.hint
    put_on_hub(caches["huggingface"], {"model.safetensors": b"v"})
    found = find(f"hf-hub:{REPOSITORY}")
    assert found.read_bytes() == b"v" and (found.parent / "config.json").is_file()


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_folder_stands_for_its_weights(name: str, tmp_path: Path) -> None:
    put(tmp_path / "copy" / name, b"w")
    assert find(f"file:{tmp_path / 'copy'}") == tmp_path / "copy" / name


def test_a_folder_without_weights(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"have no model\.safetensors or pytorch_model\.bin"):
        find(f"file:{tmp_path}")


# --- fetching --------------------------------------------------------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loopback: None) -> Iterator[tuple[str, Path]]:
    """Serve a folder over https on this machine; give its address and path."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not there")
    folder, key, certificate = tmp_path / "served", tmp_path / "key.pem", tmp_path / "certificate.pem"
    folder.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer(("localhost", 0), functools.partial(Quiet, directory=str(folder)))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("no_proxy", "localhost")
    monkeypatch.setenv("GALAXTOOL_OFFLINE", "0")
    yield f"https://localhost:{server.server_port}", folder
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_is_not_here_is_fetched(web: tuple[str, Path], caches: dict[str, Path]) -> None:
    address, folder = web
    digest = put(folder / "models" / "net.pth.tar", b"weights" * 1000)
    found = find(f"{address}/models/net.pth.tar", digest[:8])
    assert found.is_relative_to(caches["galaxtool"]) and found.read_bytes() == b"weights" * 1000
    assert [file.name for file in found.parent.iterdir()] == ["net.pth.tar"]
    (folder / "models" / "net.pth.tar").unlink()
    assert find(f"{address}/models/net.pth.tar", digest[:8]) == found


def test_what_comes_damaged_is_not_kept(web: tuple[str, Path], caches: dict[str, Path]) -> None:
    address, folder = web
    put(folder / "net-01234567.pth", b"something else")
    with pytest.raises(ModelError, match="damaged: its SHA-256 does not begin with 01234567"):
        find(f"{address}/net-01234567.pth", "01234567")
    assert not [file for file in caches["galaxtool"].rglob("*") if file.is_file()]


def test_what_cannot_be_fetched(web: tuple[str, Path]) -> None:
    with pytest.raises(OfflineError, match="the download failed") as caught:
        find(f"{web[0]}/gone.pth")
    assert "--backbone net@/path/to/gone.pth" in caught.value.hint


# --- what is read ----------------------------------------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))


def values(net: Net) -> dict[str, torch.Tensor]:
    """Return random tensors by the names that they had where the net was trained."""
    return {k.removeprefix("model."): torch.rand(v.shape).to(v.dtype) for k, v in net.state_dict().items()}


def same(net: Net, state: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(v, state[k.removeprefix("model.")]) for k, v in net.state_dict().items())


def prefixed(prefix: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {prefix + key: value for key, value in state.items()}


@pytest.mark.parametrize(
    "layout", ["plain", "msn", "dino", "dino of a convolutional network", "mae", "timm", "lightning", "settings"]
)
def test_checkpoints_as_they_are_published(layout: str, tmp_path: Path) -> None:
    net = Net()
    wanted, other = values(net), values(net)
    head = {"head.weight": torch.rand(4, 2)}
    held: dict[str, Any] = {
        "plain": {**wanted, **head},
        "msn": {
            "encoder": prefixed("module.", other), "target_encoder": prefixed("module.", {**wanted, **head}),
            "prototypes": torch.rand(3, 2), "opt": {"state": {0: {"step": 3}}, "param_groups": [{"lr": 0.1}]},
            "epoch": 600, "loss": 1.5, "batch_size": 64, "world_size": 16, "lr": 1e-6, "temperature": 0.1,
        },
        "dino": {
            "student": prefixed("module.backbone.", other), "teacher": {**prefixed("backbone.", wanted), **head},
            "epoch": 100, "args": argparse.Namespace(arch="vit_base", patch_size=16),
        },
        "dino of a convolutional network": {"teacher": prefixed("module.backbone.", wanted)},
        "mae": {"model": {**wanted, "mask_token": torch.zeros(1, 1, 2), "decoder_pred.weight": torch.rand(2, 2)}},
        "timm": {"state_dict": other, "state_dict_ema": prefixed("module.", wanted), "arch": "net", "epoch": 3},
        "lightning": {"state_dict": prefixed("model.", wanted), "pytorch-lightning_version": "2.4", "global_step": 9},
        "settings": {"model": wanted, "args": argparse.Namespace(lr=0.1, layers=[1, 2])},
    }[layout]  # fmt: skip
    torch.save(held, tmp_path / "c.pth.tar")
    load_weights(net, tmp_path / "c.pth.tar")
    assert same(net, wanted)


def test_old_files_do_not_count_batches(tmp_path: Path) -> None:
    net = Net()
    state = values(net)
    del state["1.num_batches_tracked"]
    save_file(state, tmp_path / "w.safetensors")
    load_weights(net, tmp_path / "w.safetensors")
    assert torch.equal(net.state_dict()["model.1.running_mean"], state["1.running_mean"])
    assert int(net.state_dict()["model.1.num_batches_tracked"]) == 0


def test_tensors_that_are_missing_or_of_another_shape(tmp_path: Path) -> None:
    net = Net()
    state = values(net)
    lacking = {k: v for k, v in state.items() if not k.startswith("0.")}
    save_file(lacking, tmp_path / "lacking.safetensors")
    with pytest.raises(ModelError, match=r"lacks 2 of the 7 tensors of this architecture, first 'model\.0\.weight'"):
        load_weights(net, tmp_path / "lacking.safetensors")
    save_file({**state, "1.bias": torch.zeros(5)}, tmp_path / "wrong.safetensors")
    with pytest.raises(ModelError, match=r"'model\.1\.bias' has shape \(5,\) where this architecture has \(2,\)"):
        load_weights(net, tmp_path / "wrong.safetensors")


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("sprung",)


def test_code_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for held in ({"target_encoder": {}, "args": Trap()}, argparse.Namespace(trap=Trap()), {"teacher": {"a": Trap()}}):
        torch.save(held, "evil.pth.tar")
        with pytest.raises(ModelError, match="is not a file of weights only"):
            read_state_dict(Path("evil.pth.tar"))
    assert not Path("sprung").exists()
    torch.save(argparse.Namespace(a=torch.zeros(2)), "settings.pth")
    with pytest.raises(ModelError, match="does not contain tensors by name"):
        read_state_dict(Path("settings.pth"))
