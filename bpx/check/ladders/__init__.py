"""One entry of a gradient in full: the difference quotients at every step, and what they say."""
