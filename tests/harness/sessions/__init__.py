"""How a session of tests runs: in which order, with which servers."""
