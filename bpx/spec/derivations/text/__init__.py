"""The text of a derivation: its formulas and statements with their places, and the derivatives in them."""
