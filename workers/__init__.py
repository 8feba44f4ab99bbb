"""The Dramatiq actors: everything that writes."""
