"""The bench: the numbers that Instep promises, measured here and now, beside the usual way of doing the same."""
