"""Splits of a matrix into rolling origins and a final test block."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
SplitKind = Literal["time", "ordered", "grouped", "stratified"]


@dataclass(frozen=True)
class Block:
    """One origin: positions to train on and positions to judge on; ``purged`` rows fell between."""

    name: str
    train: Rows
    test: Rows
    purged: int
    test_from: str
    test_to: str


@dataclass(frozen=True)
class Chop:
    """Development blocks (rolling origins, or folds) and one final block that nothing is tuned on.

    In time-ordered kinds the label of every training row is known before the block's first test row.
    """

    kind: SplitKind
    blocks: tuple[Block, ...]
    final: Block
    explanation: str
    notes: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """JSON-ready, rows as lists."""
        return {
            "kind": self.kind,
            "explanation": self.explanation,
            "notes": list(self.notes),
            "blocks": [_block_record(b) for b in self.blocks],
            "final": _block_record(self.final),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Chop":
        return cls(
            kind=record["kind"],
            blocks=tuple(_block(b) for b in record["blocks"]),
            final=_block(record["final"]),
            explanation=record["explanation"],
            notes=tuple(record["notes"]),
        )


def _block_record(block: Block) -> dict[str, Any]:
    return {
        "name": block.name,
        "train": block.train.tolist(),
        "test": block.test.tolist(),
        "purged": block.purged,
        "test_from": block.test_from,
        "test_to": block.test_to,
    }


def _block(record: dict[str, Any]) -> Block:
    return Block(
        **{
            **record,
            "train": np.asarray(record["train"], dtype=np.int64),
            "test": np.asarray(record["test"], dtype=np.int64),
        }
    )
