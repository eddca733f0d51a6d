"""Blocks that fail when they are read, of functions that other processes can import."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ccec_econ.scale import Blocks


def dies(block: pd.DataFrame) -> pd.DataFrame:
    os._exit(1)


def lost(block: pd.DataFrame) -> pd.DataFrame:
    raise OSError("disk gone")


def without_a_unit(block: pd.DataFrame) -> pd.DataFrame:
    return block.drop("u07")


def renamed(block: pd.DataFrame) -> pd.DataFrame:
    return block.rename(index={"u07": "v07"})


def with_nan(block: pd.DataFrame) -> pd.DataFrame:
    return block.assign(a=block["a"].where(block.index != "u02", np.nan))


@dataclass(frozen=True)
class Broken:
    """Reads blocks and spoils that of period 3."""

    load: Callable[[Hashable], pd.DataFrame]
    change: Callable[[pd.DataFrame], pd.DataFrame]

    def __call__(self, time: Hashable) -> pd.DataFrame:
        block = self.load(time)
        return self.change(block) if time == 3 else block


def broken(blocks: Blocks, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Blocks:
    """Spoil the block of period 3."""
    return replace(blocks, load=Broken(blocks.load, change))
