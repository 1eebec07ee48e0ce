"""An explanation as a picture: which nodes become cards, and what stands on them."""
