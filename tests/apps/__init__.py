"""Applications the tests serve, one module a subject."""
