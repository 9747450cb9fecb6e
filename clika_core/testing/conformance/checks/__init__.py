"""What the kit checks of a backend, one property per file; `clika_core.testing.conformance.backend` unites them."""
