"""Postgres and Valkey for people who have none."""
