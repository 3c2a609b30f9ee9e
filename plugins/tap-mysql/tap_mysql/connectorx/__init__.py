"""The processes in which ConnectorX asks the server."""
