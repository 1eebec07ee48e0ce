"""Builders of op rows."""
