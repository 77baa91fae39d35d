"""Processors other than this one: kernels compiled for a generic and for an older one say the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.engine.machines.second_processor import DOCUMENTS, trained

ROOT = Path(__file__).resolve().parents[3]
# The register tile, sums of products in one register, convolutions by windows, rows in one register, axes put elsewhere,
# gates of a cell.
TUNED = {"product_wide", "product_narrow", "product_narrow_column", "product_column", "product_column_gradient",
         "product_batch", "windows_forward", "windows_back", "windows_taps", "transpose_blocks", "permute_blocks",
         "permute_runs", "broadcast_rows", "lstm_step_units", "lstm_step_gradient_units",
         "scale_shift_rows_vectors", "row_slopes_columns", "mean_square_vectors"}  # fmt: skip


@pytest.mark.parametrize(("name", "lanes", "documents"), [("x86-64", 4, list(DOCUMENTS)), ("haswell", 8, [])])
def test_kernels_for_another_processor_agree_with_numpy(name, lanes, documents, request):
    kernels = request.config.cache.mkdir(f"kernels-{name}")  # kept from one run of the tests to the next
    environment = {**os.environ, "NUMBA_CPU_NAME": name, "XDG_CACHE_HOME": str(kernels)}
    run = subprocess.run(
        [sys.executable, "-m", "tests.engine.machines.second_processor", *documents], cwd=ROOT, env=environment,
        capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout)
    assert (found["processor"], found["lanes"]) == (name, lanes)
    assert set(found["bodies"]) >= TUNED
    assert {call: error for call, error in found["errors"].items() if not error < 2e-6} == {}
    assert list(found["ends"]) == documents
    for document, (end, joined) in found["ends"].items():
        np.testing.assert_allclose(end, trained(document, "float64")[0], atol=1e-5)
        assert joined > 10 or document != "scalars"
    assert found["parted"] == []
    assert found["refused"] == []  # a call of min() once brought Python's exceptions in, and no disk would have them
    assert any(kernels.glob("chainrule/kernels/*/*.kernel"))
