"""A table in one piece holds the same values under the same types."""

import pandas as pd
import pyarrow as pa

from serving.state.lead_data import in_one_piece


def test_pieces_are_joined_and_nothing_else_changes() -> None:
    parts = [pd.DataFrame({"text": pd.Series([f"L{k}", None], dtype="str"), "n": [k, k]}) for k in range(5)]
    frame = pd.concat(parts, ignore_index=True)
    assert pa.chunked_array(frame["text"].array.__arrow_array__()).num_chunks > 1
    whole = in_one_piece(frame)
    assert pa.chunked_array(whole["text"].array.__arrow_array__()).num_chunks == 1
    pd.testing.assert_frame_equal(whole, frame)
    assert in_one_piece(whole) is whole
