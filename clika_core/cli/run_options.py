"""The options of commands that run a model on data, and what they amount to.

Command line > settings > `[tool.clika]` > environment > default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clika_core.cli.preferences import Preferences
from clika_core.settings.load import load_settings
from clika_core.settings.model import Settings

if TYPE_CHECKING:
    from clika_core.pipeline.dataset import Dataset

BATCH_SIZE, SEED, DEVICE = 32, 0, "auto"

_OPTIONS = (
    click.option(
        "-s",
        "--settings",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Settings file.",
    ),
    click.option("--target", help="Deployment target; default: the settings', else ort."),
    click.option(
        "--batch-size", type=click.IntRange(min=1), help=f"Samples per batch of .npz data [{BATCH_SIZE}]."
    ),
    click.option("--device", metavar="auto|cpu|cuda[:i]", help=f"Where the model runs [{DEVICE}]."),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        help=f"Seed of random numbers; stands in the report [{SEED}].",
    ),
    click.option("-v", "--verbose", is_flag=True, help="Show every layer and its causes."),
    click.option("-q", "--quiet", is_flag=True, help="Show notes and results alone."),
    click.option(
        "--log-file", type=click.Path(dir_okay=False), help="Write everything that is said to this file."
    ),
)


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; the command gets them as `**given`, to be resolved."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options as they hold: nothing is left to default."""

    settings: Settings
    target: str
    batch_size: int
    device: str
    seed: int
    is_verbose: bool
    is_quiet: bool
    log_file: str | None

    @classmethod
    def resolve(cls, given: dict[str, Any], preferences: Preferences | None = None) -> RunOptions:
        """Fill in what the command line leaves open. Raises SettingsError, and UsageError for -v with -q."""
        if given["verbose"] and given["quiet"]:
            raise click.UsageError("-v and -q exclude each other")
        known = preferences or Preferences.here()
        path = known.text("settings", None if given["settings"] is None else str(given["settings"]))
        settings = Settings() if path is None else load_settings(path)
        batch_size = known.number("batch-size", given["batch_size"])
        seed = known.number("seed", given["seed"], settings.training_settings.random_seed)
        return cls(
            settings,
            target_of(settings, given["target"], known),
            BATCH_SIZE if batch_size is None else batch_size,
            known.text("device", given["device"]) or DEVICE,
            SEED if seed is None else seed,
            given["verbose"],
            given["quiet"],
            known.text("log-file", given["log_file"]),
        )


def target_of(settings: Settings, given: str | None, preferences: Preferences) -> str:
    """The target's name: as given, else as the settings say it, else by preference, else the settings' default."""
    default = settings.deployment_settings.target_framework
    is_said = settings.location_of("deployment_settings", "target_framework") is not None
    return preferences.text("target", given, default if is_said else None) or default


def load_run(model: str, data: str, options: RunOptions) -> tuple[Any, Any, Dataset]:
    """The model, the example inputs of its factory or None, and the data; random numbers are seeded before."""
    from clika_core.cli.data_argument import load_data
    from clika_core.cli.model_argument import load_model
    from clika_core.cli.seeding import seed_everything

    dataset = load_data(data, "--data", options.batch_size)
    seed_everything(options.seed)
    loaded, examples = load_model(model, lambda: seed_everything(options.seed))
    return loaded, examples, dataset
