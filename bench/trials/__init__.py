"""A whole DCM under load, to which faults happen, and what is true of it afterwards."""
