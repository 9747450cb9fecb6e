"""The helpers of the product guide, re-exported."""

from clika_core.pipeline.best_state import get_path_to_best_clika_state_result

__all__ = ["get_path_to_best_clika_state_result"]
