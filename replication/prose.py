"""Find numbers that were typed into the paper by hand instead of being read from the outputs."""

from __future__ import annotations

import re

__all__ = ["prose", "typed_numbers"]

# Shares that follow from the usual power of a test.
_CUSTOMARY = re.compile(r"four samples of five|one time in five", re.IGNORECASE)
_WORDS = re.compile(
    r"\b(four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|"
    r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-\w+)?|hundred|thousand|million)\b",
    re.IGNORECASE,
)


def typed_numbers(text: str) -> list[str]:
    """Return the lines with digits, and the words from four on: what is larger is a result.

    Small words such as "two cores" name things.
    """
    seen = prose(text)
    lines = [line.strip() for line in seen.splitlines() if re.search(r"\d", line)]
    return lines + [found[0] for found in _WORDS.finditer(_CUSTOMARY.sub("", seen))]


def prose(text: str) -> str:
    """Text that a reader sees: calls, references, settings and alternative texts taken out."""
    text = re.sub(r"//.*", "", text)
    text = re.sub(r"<[\w-]+>|@[\w-]+", "", text)  # labels and references
    calls = "n|least|name|by-sign|finding|cite|established|table-of|bibliography|in-the-other"
    text = re.sub(rf"#(?:{calls})\((?:[^()]|\([^()]*\))*\)", "", text)
    text = re.sub(r"#(?:set|import|show|counter).*", "", text)
    text = re.sub(r"#picture\(.*?caption: \[", "[", text, flags=re.DOTALL)
    return re.sub(r"#math\.equation\(.*?\$,\n\)", "", text, flags=re.DOTALL)
