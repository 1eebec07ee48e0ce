"""Work that workers can share: independent tasks, the workers, and what becomes of those that die."""
