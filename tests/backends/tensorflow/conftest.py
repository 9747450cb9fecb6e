"""TensorFlow quietly imported, on one thread; without it, these tests are skipped and say so."""

from __future__ import annotations

import importlib.util
import os

import pytest

if importlib.util.find_spec("tensorflow") is None:
    pytest.skip("TensorFlow is not installed", allow_module_level=True)

from clika_tensorflow.quiet_import import import_tensorflow

os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
import_tensorflow()
