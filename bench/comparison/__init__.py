"""The parts of bench/compare. They use Python's standard library only."""
