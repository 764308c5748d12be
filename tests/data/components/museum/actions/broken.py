"""Cannot be loaded."""

raise ImportError("a module is missing")
