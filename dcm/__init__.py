"""DCM, the Distributed Context Manager: what its processes share."""

__version__ = "0.1.0"
