"""The gradient in the step that backward makes a weight take."""
