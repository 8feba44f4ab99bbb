"""The relay: takes the hooks of this machine for a DCM on another, and keeps them while that is away."""
