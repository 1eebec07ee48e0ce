"""Exercises to practise on: cells of both passes left blank, or mistakes planted; what an answer says."""
