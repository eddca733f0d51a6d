"""One model in a toml file; `EXAMPLE` has all its keys.

Files are looked for beside the toml file. Weights from a file are divided by their row sums.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd
from libpysal.graph import Graph

from ccec_econ import weights
from ccec_econ.data import load_panel
from ccec_econ.errors import CcecError, DataError, first_five
from ccec_econ.inference.cluster import Cluster
from ccec_econ.inference.vcov import Information, QuasiML
from ccec_econ.models import static
from ccec_econ.typeset import Table

__all__ = ["EXAMPLE", "Request", "RequestError", "read_request"]

EXAMPLE = """\
model = "sdm"                  # ols slx sar sem sdm sdem sac gns
formula = "growth ~ ln_gdp_pc_lag + digital + hsr + rd | unit + year"
weights = "contiguity"         # inverse_distance, nearest, or a csv file: from, to, weight
cov = "cluster"                # information (default), quasi_ml, cluster
years = [2011, 2019]

[data]
layer = "city"                 # city or county; or the three keys file, unit and time

[effects]                      # left out: no effects
level = 0.95
draws = 1000
seed = 0

[write]                        # left out: printed only
table = "model.tex"            # .tex .typ .html .md .csv .txt
effects = "effects.csv"
"""
"""A request with every key."""


class RequestError(CcecError, ValueError):
    """A request with a key or a value that is not known."""


@dataclass(frozen=True, slots=True)
class Request:
    """A model as the file describes it; attributes are the keys.

    Attributes
    ----------
    folder : Path
        Where the files that the request names are looked for.
    """

    folder: Path
    model: str
    formula: str
    weights: str | None = None
    cov: str = "information"
    years: tuple[int, int] | None = None
    data: Mapping[str, Any] | None = None
    effects: Mapping[str, Any] | None = None
    write: Mapping[str, str] | None = None

    def run(self) -> Iterator[str]:
        """Fit the model; yield what is printed and write what was asked for.

        Raises
        ------
        CcecError
            As the functions that are called.
        """
        verb = _chosen("model", self.model, _VERBS)
        cov = _chosen("cov", self.cov, _COVARIANCES)
        targets = _known("write", self.write, {"table", "effects"})
        if "effects" in targets and self.effects is None:
            raise RequestError("[write] effects without [effects]: add the section.")
        given = () if self.model == "ols" else (self._graph(),)
        fit = verb(self.formula, self._panel(), *given, cov=cov)
        made = {"table": fit.summary()}
        if self.effects is not None:
            options = {"level": 0.95, "draws": 1000, "seed": 0}
            options |= _known("effects", self.effects, options)
            seed = int(options.pop("seed"))
            made["effects"] = fit.effects(**options, rng=seed).summary()
        written = [_written(made[name], self.folder / file) for name, file in targets.items()]
        yield from map(str, made.values())
        yield from written

    def _panel(self) -> pd.DataFrame:
        data = dict(self.data or {"layer": "city"})
        if "layer" in data:
            _known("data", data, {"layer"})
            return load_panel(data["layer"], years=self.years)
        _known("data", data, {"file", "unit", "time"})
        if data.keys() != {"file", "unit", "time"}:
            raise RequestError(f"[data] has {sorted(data)}; give file, unit and time, or layer.")
        frame = _read(self.folder / data["file"], text=[data["unit"]])
        absent = [name for name in (data["unit"], data["time"]) if name not in frame]
        if absent:
            raise DataError(f"no column {first_five(absent)}; there are {first_five(frame)}.")
        if self.years is not None:
            first, last = self.years
            frame = frame[frame[data["time"]].between(first, last)]
        return frame.set_index([data["unit"], data["time"]]).sort_index()

    def _graph(self) -> Graph:
        if self.weights is None:
            raise RequestError(f"{self.model} needs weights: {', '.join(_WEIGHTS)} or a csv file.")
        if self.weights in _WEIGHTS:
            return _WEIGHTS[self.weights]((self.data or {}).get("layer", "city"))
        pairs = _read(self.folder / self.weights, text=["from", "to"])
        if set(pairs) != {"from", "to", "weight"}:
            raise RequestError(
                f"{self.weights} has the columns {first_five(pairs)}; give from, to, weight."
            )
        twice = pairs[pairs.duplicated(["from", "to"])]
        if len(twice):
            named = [f"{a} to {b}" for a, b in zip(twice["from"], twice["to"], strict=True)]
            raise RequestError(
                f"{self.weights} has {first_five(dict.fromkeys(named))} twice; keep one weight for "
                "each pair."
            )
        graph = Graph.from_arrays(*(pairs[name].to_numpy() for name in ("from", "to", "weight")))
        return weights.row_standardise(graph)


def read_request(path: Path) -> Request:
    """Read a request.

    Raises
    ------
    RequestError
        If the file is no toml, or a key is missing or unknown.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RequestError(f"{path.name} is not toml: {error}.") from error
    _known(path.name, content, {field.name for field in fields(Request)} - {"folder"})
    absent = {"model", "formula"} - content.keys()
    if absent:
        raise RequestError(f"{path.name} has no {', '.join(sorted(absent))}; add it.")
    if "years" in content:
        content["years"] = tuple(content["years"])
    return Request(folder=path.parent, **content)


def _read(path: Path, text: list[str]) -> pd.DataFrame:
    if not path.exists():
        raise DataError(f"no file {path.name} beside the request; check the name.")
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
        return frame.astype({name: str for name in text if name in frame})
    return pd.read_csv(path, dtype=dict.fromkeys(text, str))


def _written(table: Table, path: Path) -> str:
    path.write_text(_chosen("write", path.suffix, _FORMS)(table) + "\n", encoding="utf-8")
    return f"written: {path.name}"


def _chosen[Choice](key: str, value: str, choices: Mapping[str, Choice]) -> Choice:
    if value not in choices:
        raise RequestError(f"{key} {value!r} is not known; there are {', '.join(choices)}.")
    return choices[value]


def _known(place: str, given: Mapping[str, Any] | None, known: Any) -> dict[str, Any]:
    given = dict(given or {})
    unknown = given.keys() - set(known)
    if unknown:
        raise RequestError(f"{place}: unknown {first_five(sorted(unknown))}; {sorted(known)} are.")
    return given


_VERBS = {name: getattr(static, name) for name in static.MODELS}
_COVARIANCES = {"information": Information(), "quasi_ml": QuasiML(), "cluster": Cluster("unit")}
_WEIGHTS = {
    "contiguity": weights.contiguity,
    "inverse_distance": weights.inverse_distance,
    "nearest": weights.nearest,
}
_FORMS = {
    ".tex": Table.to_latex,
    ".typ": Table.to_typst,
    ".html": Table.to_html,
    ".md": Table.to_markdown,
    ".csv": Table.to_csv_text,
    ".txt": Table.to_text,
}
