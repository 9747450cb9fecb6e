"""`clika_deploy`: the deployed file of a saved state. Needs neither the user's code nor a framework."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clika_core.deployment.input_shapes import with_input_shapes
from clika_core.deployment.requirements import require_onnx
from clika_core.errors import OutputError
from clika_core.files import write_whole
from clika_core.pipeline.journal import Journal
from clika_core.pipeline.quantization import fitted_target
from clika_core.pipeline.saved_state import SavedState
from clika_core.planning.plan import Plan, make_plan
from clika_core.plugins.registry import find_target
from clika_core.simulation.visitor import simulation
from clika_core.targets.target import Target

InputShapes = Sequence[Sequence[int | None] | None]


def clika_deploy(
    clika_state_path: str | Path,
    output_dir_path: str | Path,
    input_shapes: InputShapes | None = None,
    graph_author: str | None = None,
    graph_description: str | None = None,
    file_suffix: str | None = None,
) -> str:
    """Write `<ModelClass>[file_suffix].onnx` of a `.pompom` into a folder; its path.

    `input_shapes` are beside the model's inputs; None in a shape is a size that is free to change:
    `[(None, 3, None, None)]`. Without them shapes are as traced. Raises OutputError for a shape that the model
    does not take.
    """
    require_onnx()
    from clika_core.deployment.onnx_model import quantized_onnx

    state = SavedState.load(clika_state_path)
    target = fitted_target(state.settings, find_target(state.target), Journal())
    target.check_written()
    plan = make_plan(state.graph, state.settings, target.with_simulated_bits(), state.sensitivities)
    target.check_written()
    _refuse_missing_kernels(plan, target)
    model = state.model()
    written = quantized_onnx(model, plan, simulation(model, plan, target, state.parameters)).model
    if input_shapes is not None:
        written = with_input_shapes(written, input_shapes)
    written.producer_name = "clika-core" if graph_author is None else graph_author
    written.graph.doc_string = graph_description or ""
    path = Path(output_dir_path) / f"{state.graph.name}{file_suffix or ''}{target.file_suffix}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, written.SerializeToString(), mode=0o644)
    except OSError as error:
        raise OutputError(f"cannot write {path}", found=error.strerror or str(error)) from error
    return str(path)


def _refuse_missing_kernels(plan: Plan, target: Target) -> None:
    """Raise OutputError where a layer was trained for widths that the runtime has no kernel for."""
    for name in plan.quantized:
        decision = plan[name]
        bits = (decision.weights_num_bits, decision.activations_num_bits)
        reason = target.support(plan.graph, plan.graph[name], *bits)
        if reason is not None:
            raise OutputError(
                f"layer {name!r} was trained for {bits[0]}-bit weights and {bits[1]}-bit activations",
                found=reason,
                fix="such widths are simulated; deploy a state with widths that the target has",
            )
