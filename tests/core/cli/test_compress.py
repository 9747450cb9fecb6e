"""`clika compress`: a user's own model and data, end to end, and a message for every mistake on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clika_core.deployment.onnx_runtime import Session
from tests.core.cli import my_network
from tests.core.cli.conftest import Clika
from tests.core.loopback.registered import loopback_registered

MODEL = "tests.core.cli.my_network:make"
COMPRESS = ("compress", MODEL, "--data", "data.npz", "--batch-size", "10")
SETTINGS = "training_settings: {stats_steps: 3}\n"


@pytest.fixture(autouse=True)
def _user(tmp_path: Path) -> Iterator[None]:
    my_network.write_npz(str(tmp_path / "data.npz"))
    (tmp_path / "s.yaml").write_text(SETTINGS)
    with loopback_registered():
        yield


def targets() -> Any:
    with np.load("data.npz") as content:
        return content["targets"]


def report(folder: Path = Path("outputs")) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "clika_report.json").read_text())
    return found


def test_a_model_with_a_dict_of_inputs_and_two_outputs_becomes_a_file(clika: Clika) -> None:
    outcome = clika(*COMPRESS, "-s", "s.yaml")
    assert outcome.code == 0, outcome.err
    assert "written to outputs/; to run: outputs/rater.onnx" in outcome.out
    found = report()
    assert found["calibration"] == {"batches": 3, "samples": 30}
    assert found["evaluation"]["data"] == "the batches of data.npz after the 3 that calibrate"
    assert found["evaluation"]["samples"] == 50
    assert found["evaluation"]["metric"] is None  # two outputs: it is not guessed which one classifies
    assert 0 < found["evaluation"]["relative_l2"]["deployed"] < 0.1
    shipped = Session("outputs/rater.onnx").run([array[:7] for array in my_network.arrays().values()])
    exact = my_network.make()(**{name: array[:7] for name, array in my_network.arrays().items()})
    for output, wanted in zip(shipped, exact.values(), strict=True):
        assert np.linalg.norm(output - wanted) < 0.1 * np.linalg.norm(wanted)


def test_a_metric_and_evaluation_data_of_one_s_own_are_used(clika: Clika) -> None:
    outcome = clika(
        *("compress", MODEL, "--data", "tests.core.cli.my_network:batches", "--eval-data", "data.npz"),
        *("--metric", "tests.core.cli.my_network:accuracy", "--format", "json", "--batch-size", "16"),
    )
    assert outcome.code == 0, outcome.err
    shown = json.loads(outcome.out)
    assert shown["evaluation"]["data"] == "data.npz"
    assert (shown["evaluation"]["metric"], shown["evaluation"]["samples"]) == ("accuracy", 80)
    scores = my_network.make()(**my_network.arrays())["scores"]
    assert shown["accuracy"]["float"] == pytest.approx((scores.argmax(1) == targets()).mean())
    assert set(shown["accuracy"]) == {"float", "quantized", "deployed"}
    assert shown["layers"] == {"quantized": 9, "float": 2, "removed": 1}
    assert Path(shown["deployed"]).is_file()


def test_top1_takes_the_first_output_with_scores(clika: Clika) -> None:
    assert clika(*COMPRESS, "--metric", "top1", "-s", "s.yaml").code == 0
    scores = my_network.make()(**my_network.arrays())["scores"][30:]
    wanted = (scores.argmax(1) == targets()[30:]).mean()
    assert report()["accuracy"]["float"] == pytest.approx(wanted)


def test_where_all_data_calibrates_it_is_said(clika: Clika) -> None:
    outcome = clika(*COMPRESS)
    assert outcome.code == 0
    assert "no data is left for evaluation" in outcome.err
    assert report()["evaluation"] is None


def test_the_log_tells_everything(clika: Clika) -> None:
    Path("s.yaml").write_text(
        SETTINGS + "layer_settings: {relu_1: {quantization_settings: {skip_quantization: true}}}"
    )
    assert clika(*COMPRESS, "-s", "s.yaml").code == 0
    (log,) = Path("outputs/logs").iterdir()
    assert log.name.startswith("clika_")
    text = log.read_text()
    for line in (
        "stats_steps: 3",
        "1/16. Parsing node: 'image'",
        "Parsed to -> 'conv_1'",
        "tail of output_1: linear_3",
        "tail of output_2: linear_4",
        "skipped: relu_1: rule 'relu_1' (s.yaml:2)",
        "skipped: linear_4: tail of output_2",
        "removed: batch_norm_1: folded into conv_1",
        "12 layers: 8 quantized, 3 float, 1 removed; target ort",
        "STEP   calibrate",
    ):
        assert line in text, line


def test_quiet_shows_results_alone_and_verbose_every_layer(clika: Clika) -> None:
    quiet = clika(*COMPRESS, "-q", "-s", "s.yaml")
    assert (quiet.code, quiet.err.count("trace")) == (0, 0)
    assert "12 layers" in quiet.out
    verbose = clika(*COMPRESS, "-v", "--overwrite", "-s", "s.yaml", "--log-file", "mine.log")
    assert "Parsed to -> 'conv_1'" in verbose.err
    assert "Parsed to -> 'conv_1'" in Path("mine.log").read_text()


def test_the_same_command_writes_the_same_file(clika: Clika) -> None:
    for folder in ("one", "two"):
        assert clika(*COMPRESS, "-s", "s.yaml", "-o", folder, "--seed", "5").code == 0
    assert Path("one/rater.onnx").read_bytes() == Path("two/rater.onnx").read_bytes()
    assert report(Path("one"))["seed"] == 5


def test_a_target_given_to_the_command_is_used(clika: Clika) -> None:
    assert clika(*COMPRESS, "--target", "loopback_edge").code == 0
    assert report()["target"] == "loopback_edge"


def with_content(**changes: Any) -> Callable[[], None]:
    return lambda: my_network.write_npz("data.npz", **changes)


def images(**change: Any) -> Any:
    array = my_network.arrays()["image"]
    if "shape" in change:
        return array[:, :2]
    if "dtype" in change:
        return array.astype(change["dtype"])
    array[13, 0, 0, 0] = np.nan
    return array


def settings(text: str) -> Callable[[], None]:
    def write() -> None:
        Path("s.yaml").write_text(text)

    return write


def used_folder() -> None:
    Path("outputs").mkdir()
    Path("outputs/mine").write_text("")


def nothing() -> None:
    """Nothing to prepare."""


# what is changed on disk, the arguments that replace or join those of COMPRESS, what the message says
MISTAKES: dict[str, tuple[Callable[[], None], tuple[str, ...], tuple[str, ...]]] = {
    "a wrong path of the model": (nothing, ("my_modle.py:make",), ("there is no file 'my_modle.py'",)),
    "no attribute": (nothing, (f"{MODEL}_it",), ("has no attribute 'make_it'", "did you mean 'make'")),
    "no model": (nothing, ("tests.core.cli.my_network:number",), ("no backend takes a builtins.int",)),
    "a factory with arguments": (nothing, ("tests.core.cli.my_network:needs",), ("it requires path",)),
    "a factory that fails": (
        nothing,
        ("tests.core.cli.my_network:raises",),
        ("the disk is full", "my_network.py:"),
    ),
    "a factory without result": (nothing, ("tests.core.cli.my_network:nothing",), ("returns nothing",)),
    "a wrong path of the data": (
        nothing,
        ("--data", "dta.npz"),
        ("no file 'dta.npz'", "did you mean 'data.npz'"),
    ),
    "data that names nothing": (
        nothing,
        ("--data", "numbers"),
        ("names no data", "--data my_data.py:batches"),
    ),
    "data that fails": (
        nothing,
        ("--data", "tests.core.cli.my_network:raises_later"),
        ("batch 1 (counted from 0), raised RuntimeError", "the disk is full"),
    ),
    "a wrong shape": (with_content(**{"inputs.image": images(shape=2)}), (), ("'image'", "[10, 2, 8, 8]")),
    "a wrong dtype": (with_content(**{"inputs.image": images(dtype="f8")}), (), ("float64", "float32")),
    "NaN": (with_content(**{"inputs.image": images()}), (), ("'image'", "not finite", "batch 1")),
    "a missing argument": (with_content(**{"inputs.facts": None}), (), ("facts",)),
    "an unknown argument": (with_content(**{"inputs.fact": np.zeros(80)}), (), ("fact",)),
    "too few targets": (with_content(targets=np.zeros(3, int)), (), ("different numbers of samples",)),
    "an unknown metric": (nothing, ("--metric", "top5"), ("--metric 'top5' is unknown", "top1")),
    "an unknown target": (nothing, ("--target", "orx"), ("there is no deployment target 'orx'", "'ort'")),
    "an unknown device": (nothing, ("--device", "cuda"), ("device 'cuda'", "cpu")),
    "broken settings": (settings("a: ["), ("-s", "s.yaml"), ("s.yaml:1",)),
    "an unknown setting": (
        settings("training_settings: {stat_steps: 3}"),
        ("-s", "s.yaml"),
        ("stats_steps", "s.yaml:1"),
    ),
    "an unknown layer": (
        settings("layer_settings: {conv_7: {quantization_settings: {skip_quantization: true}}}"),
        ("-s", "s.yaml"),
        ("conv_7", "conv_1"),
    ),
    "a used folder": (used_folder, (), ("the output folder outputs is in use", "--overwrite")),
    "loud and quiet": (nothing, ("-v", "-q"), ("exclude each other",)),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_gets_one_message_and_leaves_nothing(clika: Clika, tmp_path: Path, case: str) -> None:
    prepare, changes, wanted = MISTAKES[case]
    prepare()
    before = set(os.listdir(tmp_path))
    arguments = (
        list(COMPRESS) if not changes or changes[0].startswith("-") else ["compress", *changes, *COMPRESS[2:]]
    )
    if changes and changes[0] == "--data":
        arguments = ["compress", MODEL]
    outcome = clika(*arguments, *(changes if changes and changes[0].startswith("-") else ()))
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    for text in wanted:
        assert text in outcome.err, outcome.err
    assert "Traceback" not in outcome.err
    assert set(os.listdir(tmp_path)) == before


@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_says_so_and_leaves_nothing(number: int, code: int, tmp_path: Path) -> None:
    """The first interrupt is enough, in the middle of the user's own data."""
    (tmp_path / "slow.py").write_text(
        "import sys, time\nfrom tests.core.cli.my_network import batches, make\n"
        "def data():\n"
        "    for batch in batches():\n"
        "        print('reading', file=sys.stderr, flush=True)\n"
        "        time.sleep(0.5)\n"
        "        yield batch\n"
    )
    root = str(Path(__file__).parents[3])
    start = (
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job ignores it
        "from tests.core.loopback.registered import loopback_registered\n"
        "from clika_core.cli.main import main\n"
        "with loopback_registered():\n"
        "    main(['compress', 'slow.py:make', '--data', 'slow.py:data'])\n"
    )
    paths = os.pathsep.join([root, f"{root}/tests/plugins/clika_loopback"])
    running = subprocess.Popen(
        [sys.executable, "-c", start],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    while "reading" not in (line := running.stderr.readline()):
        assert line, "it ended before it read"
    time.sleep(0.1)
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    assert running.returncode == code, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == [
        "data.npz",
        "s.yaml",
        "slow.py",
    ]
