"""Texts in TOML and JSON as data, with the place of every part."""
