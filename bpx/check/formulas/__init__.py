"""The shortest formula that gives some numbers."""
