"""Which tables a run copies, and how, as the project and the plugins say it."""
