"""The options of COPY and UNLOAD."""
