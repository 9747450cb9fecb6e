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

    def widened(self, model: Any, inputs: Any) -> tuple[Any, Any] | None:
        """A functional model is made again of its layers' configurations; a subclassed one cannot be."""
        if not isinstance(model, keras.src.models.functional.Functional):
            return None
        wide = keras.models.clone_model(model, clone_function=_in_float64)
        wide.set_weights(model.get_weights())
        return wide, tuple(x.astype(np.float64) if x.dtype == np.float32 else x for x in inputs)


def _in_float64(layer: Any) -> Any:
    return type(layer).from_config({**layer.get_config(), "dtype": "float64"})


ZOO = TensorFlowZoo()
