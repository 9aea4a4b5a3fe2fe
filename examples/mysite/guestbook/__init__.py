"""A guest book with files: every kind of view a server has to carry."""
