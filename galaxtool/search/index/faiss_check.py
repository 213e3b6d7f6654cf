"""Check a FAISS file in a separate process, which a damaged file may crash.

FAISS trusts the numbers in its files: links of a graph, and where lists begin, that point outside end the process. A
file is therefore read, checked and searched once in a child. What passed is remembered by its size and time of
modification, so that an index opens in milliseconds afterwards.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import faiss
import numpy as np

with contextlib.suppress(ImportError):  # absent on Windows
    import resource

from galaxtool.errors import GalaxtoolError, InputError
from galaxtool.utils.config import cache_dir
from galaxtool.utils.digests import hash_json
from galaxtool.utils.files.atomic_write import write_json
from galaxtool.utils.guarded_child import ChildFailed, GuardedChild

_untyped: Any = faiss  # its annotations lack keyword arguments

READ_FLAGS = faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_READ_ONLY
"""The file is mapped into memory, not read."""

_child = GuardedChild("galaxtool.search.index.faiss_check:check_requested")
_BASE_SECONDS, _BYTES_PER_SECOND = 60, 10_000_000
_SPARE_BYTES = 4 * 2**30
_TRIES = 4
_REBUILD = "Build the index again with `galaxtool index`, or copy it again."


def read_faiss_file(file: Path) -> Any:
    """Return the FAISS index in a file, mapped into memory, after it was checked.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    mark = _find_mark(file)
    if mark is None or not mark.exists():
        size = file.stat().st_size
        try:
            problem = _child.ask(str(file.absolute()), _BASE_SECONDS + size / _BYTES_PER_SECOND)
        except ChildFailed as error:
            problem = f"reading it {error}"
        if problem:
            raise InputError(f"'{file}' is damaged: {problem}.", hint=_REBUILD)
        remember_faiss_file(file)
    try:
        return read_mapped(str(file))
    except (RuntimeError, MemoryError) as error:
        raise InputError(f"'{file}' is damaged.", hint=_REBUILD) from error


def remember_faiss_file(file: Path) -> None:
    """Note that a file is sound, because it was just checked or written."""
    mark = _find_mark(file)
    if mark is not None:
        with contextlib.suppress(OSError, GalaxtoolError):  # the check is then made again the next time
            write_json(mark, str(file.absolute()))


def check_requested(path: str) -> str:
    """Check a file with bounded memory, and return what is wrong with it, or nothing: the work of the child."""
    size = Path(path).stat().st_size
    with contextlib.suppress(OSError, ValueError, NameError):
        resource.setrlimit(resource.RLIMIT_AS, (4 * size + _SPARE_BYTES, resource.RLIM_INFINITY))
    faiss.omp_set_num_threads(1)
    return check_file(path)


def check_file(path: str) -> str:
    """Read and check a file, and return what is wrong with it, or nothing; the file may end the process."""
    try:
        return find_problem(read_mapped(path))
    except (RuntimeError, MemoryError, ValueError) as error:
        return " ".join(str(error).split()).rpartition(": ")[2][:120].rstrip(".") or type(error).__name__


def read_mapped(path: str) -> Any:
    """Read a FAISS index without a check; the file is mapped into memory where FAISS can do that."""
    index = faiss.read_index(path, READ_FLAGS)
    inverted: Any = _extract_inverted(index)
    if isinstance(inverted, _untyped.IndexIVFPQFastScan):
        inverted.fine_quantizer = inverted.pq  # which FAISS leaves empty, so that reading a vector ends the process
    return index


def find_problem(index: Any) -> str:
    """Return what is wrong with a FAISS index, as the end of a sentence; empty if nothing is.

    Every list of an inverted file and every link of a graph is looked at. A damaged one may end the process.
    """
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        return "it does not compare by inner product"
    if not index.is_trained:
        return "it is not trained"
    inverted = _extract_inverted(index)
    if inverted is not None:
        problem = _check_blocks(inverted) if isinstance(inverted, faiss.IndexIVFFastScan) else ""
        problem = problem or _check_lists(inverted)
    elif isinstance(index, faiss.IndexHNSW):
        problem = _check_graph(index)
    elif isinstance(index, faiss.IndexFlatCodes):
        needed = index.ntotal * index.code_size
        problem = "" if index.codes.size() == needed else "it has too few codes"
    else:
        problem = ""
    if not problem and index.ntotal:
        _search_everywhere(index, inverted)
    return problem


def _extract_inverted(index: Any) -> Any:
    """Return the inverted file of an index, with its own type, or None."""
    inverted = faiss.try_extract_index_ivf(index)
    return None if inverted is None else faiss.downcast_index(inverted)


def _check_blocks(inverted: Any) -> str:
    """Check an inverted file whose lists are blocks of vectors; FAISS checks that a list has as many as it needs."""
    blocks, packer = faiss.downcast_InvertedLists(inverted.invlists), inverted.get_CodePacker()
    if (
        not isinstance(blocks, _untyped.BlockInvertedLists)
        or (blocks.n_per_block, blocks.block_size) != (packer.nvec, packer.block_size)
        or inverted.implem
    ):
        return "its blocks do not fit its codes"
    if isinstance(inverted, faiss.IndexIVFPQFastScan):
        quantizer = inverted.pq
        if (
            (quantizer.d, quantizer.M, quantizer.nbits) != (inverted.d, inverted.M, inverted.nbits)
            or quantizer.M * quantizer.dsub != quantizer.d
            or quantizer.centroids.size() != quantizer.d * quantizer.ksub
        ):
            return "its codes do not fit its vectors"
    return ""


def _check_lists(inverted: Any) -> str:
    lists, total = inverted.invlists, 0
    in_blocks = lists.code_size == _untyped.InvertedLists.INVALID_CODE_SIZE
    if (
        lists.nlist != inverted.nlist
        or (lists.code_size != inverted.code_size and not in_blocks)
        or inverted.quantizer.ntotal != lists.nlist
    ):
        return "its lists do not fit its clusters"
    if not 1 <= inverted.nprobe <= inverted.nlist:
        return "its number of clusters to visit is not valid"
    seen = np.zeros(inverted.ntotal, dtype=bool)
    for number in range(lists.nlist):
        length = lists.list_size(number)
        total += length
        if total > inverted.ntotal:
            return "its lists are too long"
        if not length:
            continue
        ids = faiss.rev_swig_ptr(lists.get_ids(number), length)
        if ids.min() < 0 or ids.max() >= inverted.ntotal or seen[ids].any():
            return "a list names a row that does not exist, or that another list has"
        seen[ids] = True
        if not in_blocks:
            faiss.rev_swig_ptr(lists.get_codes(number), length * lists.code_size).max()  # touches every page
    return "" if seen.all() else "its lists lack rows"


def _check_graph(index: Any) -> str:
    graph, count = index.hnsw, index.ntotal
    levels, offsets = faiss.vector_to_array(graph.levels), faiss.vector_to_array(graph.offsets).astype(np.int64)
    per_level = faiss.vector_to_array(graph.cum_nneighbor_per_level)
    neighbors = faiss.vector_to_array(graph.neighbors)
    if index.storage.ntotal != count or len(levels) != count or len(offsets) != count + 1:
        return "its graph does not fit its vectors"
    if not count:
        return ""
    if levels.min() < 1 or levels.max() >= len(per_level) or per_level[0] != 0 or (np.diff(per_level) < 0).any():
        return "its graph has levels that do not exist"
    if offsets[0] != 0 or offsets[-1] != len(neighbors) or (np.diff(offsets) != per_level[levels]).any():
        return "its graph has lists of links that do not fit"
    if neighbors.size and (neighbors.min() < -1 or neighbors.max() >= count):
        return "its graph has links to rows that do not exist"
    if not 0 <= graph.entry_point < count or graph.max_level != levels.max() - 1:
        return "its graph begins at a row that does not exist"
    # a link on a level leads to a row that has this level
    for level in range(1, int(levels.max())):
        rows = np.flatnonzero(levels > level)
        for row in rows:
            linked = neighbors[offsets[row] + per_level[level] : offsets[row] + per_level[level + 1]]
            if (levels[linked[linked >= 0]] <= level).any():
                return "its graph has links to rows of a lower level"
    return ""


def _search_everywhere(index: Any, inverted: Any) -> None:
    """Search all of the index, so that what ends the process ends the child."""
    queries = np.random.default_rng(0).normal(size=(_TRIES, index.d)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    params = None
    if inverted is not None:
        params = _untyped.SearchParametersIVF(nprobe=inverted.nlist)
        if isinstance(index, faiss.IndexPreTransform):
            params = _untyped.SearchParametersPreTransform(index_params=params)
    index.search(queries, min(10, index.ntotal), params=params)


def _find_mark(file: Path) -> Path | None:
    """Return the file that notes that a FAISS file in this state is sound."""
    try:
        state = os.stat(file)  # noqa: PTH116  follows links, as reading does
        folder = cache_dir() / "checked"
    except OSError:
        return None
    identity = [state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns, faiss.__version__]
    return folder / f"{hash_json(identity)[:32]}.json"
