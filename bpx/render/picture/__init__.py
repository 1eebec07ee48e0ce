"""Graphs as pictures: what is drawn as plain data, where it goes, and the languages it is written in."""
