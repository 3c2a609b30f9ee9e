"""Singer code shared by Tidemark's taps and targets; the core does not depend on it."""
