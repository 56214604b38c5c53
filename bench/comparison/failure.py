"""The ways in which a comparison fails. Exit codes are those of redeem (sysexits.h)."""


class Failure(Exception):
    """A program cannot be started or does not answer. Exit code 69."""


class WrongUse(Exception):
    """The arguments make no sense. Exit code 64."""


class Discarded(Exception):
    """A round that does not count, because not every request was answered as it must be."""
