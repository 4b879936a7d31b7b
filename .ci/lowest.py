"""Print the lower bounds of pyproject.toml as exact versions, for `make test-lowest`.

``python .ci/lowest.py`` prints those of the project and its extras, and of the tests' tools after
them. A bound in more than one list must be the same in all.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOUND = re.compile(r"(?P<name>[\w.-]+(\[[\w,-]+\])?)\s*>=\s*(?P<version>[\w.]+)")


def lowest(path: Path = ROOT / "pyproject.toml") -> list[str]:
    """``name==version`` for every requirement, in order.

    Raises ValueError where one has no bound, or two lists have different ones.
    """
    document = tomllib.loads(path.read_text("utf-8"))
    project = document["project"]
    lists = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        document["dependency-groups"]["test"],
    ]
    pins: dict[str, str] = {}
    for requirement in (text for texts in lists for text in texts):
        found = BOUND.fullmatch(requirement)
        if found is None:
            raise ValueError(f"{requirement!r} has no plain lower bound, NAME>=VERSION")
        name, version = found["name"], found["version"]
        if pins.setdefault(name, version) != version:
            raise ValueError(f"{name} has the lower bounds {pins[name]} and {version}")
    return [f"{name}=={version}" for name, version in pins.items()]


if __name__ == "__main__":
    sys.stdout.write("".join(f"{pin}\n" for pin in lowest()))
