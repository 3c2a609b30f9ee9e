"""How far a replica is behind, in the words of either server."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tap_mysql.source.replica_lag import Channel, channel
from tap_mysql.source.replica_lag import decide as lag_of
from tidemark_core.errors import SourceError


@pytest.mark.fault(13)
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ({"Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes", "Seconds_Behind_Source": 7,
          "Last_IO_Errno": 0, "Last_SQL_Errno": 0, "Channel_Name": ""},
         Channel("", 7, "Yes", "Yes", ())),
        ({"Slave_IO_Running": "Connecting", "Slave_SQL_Running": "No", "Last_IO_Errno": 2003,
          "Seconds_Behind_Master": None, "Last_SQL_Errno": 1062, "Connection_name": "eu"},
         Channel("eu", None, "Connecting", "No", ("2003", "1062"))),
    ],
)  # fmt: skip
def test_a_replicas_status_is_read_in_either_servers_words(
    words: dict[str, Any], found: Channel
) -> None:
    assert channel(words) == found


@pytest.mark.fault(13)
def test_of_several_channels_the_slowest_counts() -> None:
    channels = [Channel("a", 3, "Yes", "Yes", ()), Channel("b", 90, "Yes", "Yes", ())]
    assert lag_of(channels, 0) == lag_of(channels, 90) == timedelta(seconds=91)
    with pytest.raises(SourceError, match="90 s behind") as caught:
        lag_of(channels, 89)
    assert caught.value.retryable
    halted = [*channels, Channel("c", None, "Yes", "No", ("1062",))]
    assert lag_of(halted, 0) is None
    with pytest.raises(SourceError, match=r"channel c: .* error 1062") as caught:
        lag_of(halted, 10**6)
    assert not caught.value.retryable
    assert lag_of([], 1) == timedelta(0)
