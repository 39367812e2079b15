"""Whose face it is: descriptions, the identity filter, and tracks over frames."""
