"""Names of tensors: none twice, none inside another."""

from __future__ import annotations

from clika_torch.state_names import StateNames


def test_a_free_name_is_given_and_a_taken_one_falls_back() -> None:
    names = StateNames()
    assert names.claim("a.weight", "conv_1.weight") == "a.weight"
    assert names.claim("a.weight", "conv_1.weight") == "conv_1.weight"
    assert names.claim("a.weight", "conv_1.weight") == "conv_1.weight_2"


def test_a_tensor_is_never_inside_another_tensor() -> None:
    names = StateNames()
    assert names.claim("a", "x") == "a"
    assert names.claim("a.b", "x") == "x"
    assert names.claim("c.d", "y") == "c.d"
    assert names.claim("c", "y") == "y"


def test_tied_tensors_have_one_name() -> None:
    names = StateNames()
    assert names.of_identity("embed.weight") == names.of_identity("embed.weight") == "embed.weight"
