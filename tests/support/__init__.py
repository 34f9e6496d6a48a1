"""Helpers and reference implementations that several tests share."""
