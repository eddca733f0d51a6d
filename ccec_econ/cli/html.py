"""Read a table back from the html that `Table.to_html` wrote."""

from __future__ import annotations

from html.parser import HTMLParser

from ccec_econ.typeset import Table

__all__ = ["table_from_html"]


def table_from_html(text: str) -> Table:
    """Make the table whose html this is; its notes are one text.

    Examples
    --------
    >>> table = Table("Two", ("", "OLS"), (("x", "1.5"),), notes=("One row.",))
    >>> table_from_html(table.to_html()) == table
    True
    """
    reader = _Reader()
    reader.feed(text)
    head, *rows = reader.rows
    left = frozenset(reader.left) - {0}
    title, *notes = reader.texts
    return Table(
        title, tuple(head), tuple(map(tuple, rows)), frozenset(reader.rules), tuple(notes), left
    )


class _Reader(HTMLParser):
    """Collects caption, cells and notes."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.texts: list[str] = []
        self.left: list[int] = []
        self.rules: list[int] = []
        self._into: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            if ("class", "rule") in attrs:
                self.rules.append(len(self.rows) - 1)
            self.rows.append([])
        elif tag in ("th", "td"):
            if len(self.rows) == 1 and ("class", "left") in attrs:
                self.left.append(len(self.rows[0]))
            self._begin(self.rows[-1])
        elif tag in ("caption", "p"):
            self._begin(self.texts)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td", "caption", "p"):
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data

    def _begin(self, into: list[str]) -> None:
        into.append("")
        self._into = into
