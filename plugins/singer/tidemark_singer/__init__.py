"""What Tidemark's taps and targets share of Singer: the core knows nothing of it."""
