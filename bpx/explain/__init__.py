"""The explanation: both passes of a graph, as rows."""
