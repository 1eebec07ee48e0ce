"""Sweeps: the loss at many values of its inputs."""
