"""Values as other programs print or store them."""
