"""Parses the Python repr of plain values, without executing anything."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from itertools import pairwise
from typing import Any

__all__ = [
    "literal",
]


_QUOTES = re.compile(r"['\"]\s*['\"]")


def literal(text: str) -> Any:
    """Parse the repr of lists, dicts, texts and numbers.

    Adjacent texts without a comma are refused: Python would join them, so that ``['cat' 'dog']``,
    as numpy prints two names, would be one. Raises ValueError.
    """
    text = text.strip()
    try:
        if _QUOTES.search(text) and _joins_texts(text):
            raise ValueError("texts without a comma between them")
        return ast.literal_eval(text)
    except (SyntaxError, TypeError, MemoryError, RecursionError, tokenize.TokenError) as error:
        raise ValueError(str(error)) from None


def _joins_texts(text: str) -> bool:
    blank = (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    kinds = [token.type for token in tokens if token.type not in blank]
    return any(one == other == tokenize.STRING for one, other in pairwise(kinds))
