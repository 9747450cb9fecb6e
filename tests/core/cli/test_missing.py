"""Where onnx is missing, the message is the install line, not a bug of ours."""

from __future__ import annotations

import subprocess
import sys

import pytest

HIDE = "import sys; sys.modules['onnx'] = None; sys.modules['onnxruntime'] = None; "
CASES = {
    "demo": "from clika_core.cli.main import main; main(['demo'])",
    "compress": "import clika_core as c; c.compress(None, calibration_data=[])",
}


@pytest.mark.parametrize("case", CASES)
def test_a_missing_onnx_is_told_with_the_install_line(case: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", HIDE + CASES[case]], capture_output=True, text=True, check=False
    )
    assert 'pip install "clika-core[onnx]"' in found.stderr
    assert "internal error" not in found.stderr
