"""The cells of both passes, their rules, and what somebody answers for one."""
