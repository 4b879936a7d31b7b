"""The examples of docs/python.md that need the library that they are about."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/python.md"


def example(heading: str) -> list[str]:
    """The ``py`` blocks below a heading of the third level."""
    page = PAGE.read_text("utf-8")
    part = page.split(f"\n### {heading}\n")[1].split("\n### ")[0].split("\n## ")[0]
    return re.findall(r"^```py\n(.*?)^```$", part, re.DOTALL | re.MULTILINE)
