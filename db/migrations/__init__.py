"""Numbered SQL files, applied in order, never changed."""
