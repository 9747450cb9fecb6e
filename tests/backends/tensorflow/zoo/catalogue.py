"""All architectures that can be built here: those of keras.applications, of mtcnn with its weights, and our own."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tests.backends.tensorflow.harness import TensorFlowHarness
from tests.backends.tensorflow.zoo import applications, faces, small
from tests.backends.zoo.entry import Entry, Zoo
from tests.backends.zoo.installed import has_packages


class TensorFlowZoo(Zoo):
    """Keras on TensorFlow."""

    harness = TensorFlowHarness()
    capture = "clika_tensorflow.tracing.capture"
    frameworks = ("tensorflow-cpu", "keras", "mtcnn")
    packages = ("mtcnn", "lz4")

    def entries(self) -> tuple[Entry, ...]:
        brought = faces.ENTRIES if has_packages(self) else ()
        return (*applications.ENTRIES, *brought, *small.ENTRIES)

    def model(self, entry: Entry) -> Any:
        """The model from one seed; batch norms without trained weights as after some training."""
        keras.utils.set_random_seed(0)
        model = entry.make()
        random = np.random.default_rng(1)
        for variable in model.variables:
            if variable.path.endswith("moving_mean"):
                variable.assign(0.1 * random.standard_normal(variable.shape))
            elif variable.path.endswith("moving_variance"):
                variable.assign(random.uniform(0.5, 1.5, variable.shape))
        return model


ZOO = TensorFlowZoo()
