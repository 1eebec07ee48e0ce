"""Formulas as textbooks write them: products without a sign, functions without brackets."""
