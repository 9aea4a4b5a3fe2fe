"""The project: settings, addresses, and the two entry points of a server."""
