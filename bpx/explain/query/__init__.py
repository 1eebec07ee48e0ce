"""What a gradient is asked for, and both passes as rows."""
