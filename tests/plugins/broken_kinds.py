"""Broken plugins as strangers ship them: the text of each registration module, and what has to be said of it."""

from __future__ import annotations

from typing import Final, NamedTuple

HEAD: Final = "from clika_core.plugins.hooks import hookimpl\n"


class Broken(NamedTuple):
    """`text` is the module; `told` stands in the diagnostic; `metadata` are more lines of the distribution's own."""

    text: str
    told: str
    metadata: str = ""


def _hook(name: str, body: str, before: str = "") -> str:
    return f"{HEAD}{before}\n@hookimpl\ndef clika_register_{name}():\n    {body}\n"


KINDS: Final[dict[str, Broken]] = {
    "an import error": Broken(
        "from clika_core import something_that_is_gone", "could not be loaded: ImportError"
    ),
    "a missing dependency": Broken(
        "import acme_runtime", "ModuleNotFoundError: No module named 'acme_runtime'"
    ),
    "a syntax error": Broken("def (", "could not be loaded: SyntaxError"),
    "an exit while it is imported": Broken("import sys\nsys.exit(3)", "could not be loaded: SystemExit: 3"),
    "an import that never ends": Broken("while True: pass", "did not finish within 1.5 seconds"),
    "a hook that never ends": Broken(
        _hook("targets", "while True: pass"), "clika_register_targets: did not finish"
    ),
    "prints": Broken(
        f"print('Welcome to ACME!')\n{_hook('targets', 'return []')}", "printed 'Welcome to ACME!'"
    ),
    "a hook that raises": Broken(_hook("targets", "raise OSError('no licence')"), "OSError: no licence"),
    "a hook that returns nothing": Broken(_hook("observers", "pass"), "returns nothing; expected a list"),
    "a hook that returns something else": Broken(
        _hook("targets", "return ['ort']"), "registers a str as a target; expected a Target"
    ),
    "half an object": Broken(
        _hook(
            "targets",
            "return [Target('half', '', {}, None, None)]",
            "from clika_core.targets.target import Target\n",
        ),
        "target 'half', whose weights are no QuantScheme",
    ),
    "a misspelt hook": Broken(_hook("target", "return []"), "unknown hook 'clika_register_target'"),
    "a hook with another signature": Broken(
        f"{HEAD}\n@hookimpl\ndef clika_register_targets(config):\n    return []\n", "PluginValidationError"
    ),
    "an older release of the interface": Broken(
        _hook(
            "backends",
            "return [Old()]",
            "from clika_core.backend.interface import Backend\n"
            "class Old(Backend):\n    name = 'old'\n    def accepts(self, model): return False\n",
        ),
        "Can't instantiate abstract class Old",
    ),
    "made for another release": Broken(
        "from clika_core.plugins import renamed_since",
        "(it asks for clika-core <0.1, and this is 0.1.0)",
        "Requires-Dist: clika-core<0.1\n",
    ),
    "a name of the project": Broken(
        _hook("targets", "return [ORT]", "from clika_core.targets.ort import ORT\n"),
        "registers 'ort', which plugin 'targets' registers too",
    ),
    "a command that hides a built-in one": Broken(
        _hook("commands", "return [click.Command('plan')]", "import click\n"),
        "registers the command 'plan', which is a built-in one's name",
    ),
}
"""By what is broken."""
