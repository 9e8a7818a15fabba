"""The list of outside checks: each is a function with a name, in the order of the files."""

from typing import Callable, NamedTuple


class Check(NamedTuple):
    name: str
    run: Callable


class Skipped(Exception):
    """A program that the check needs is not here."""


CHECKS = []


def check(name):
    """Puts a function on the list; what it returns is printed behind its line."""

    def note(run):
        CHECKS.append(Check(name, run))
        return run

    return note


def same(got, wanted, what=""):
    """Fails with both sides, cut to a readable length."""
    if got != wanted:
        got, wanted = (text if len(text) < 300 else text[:140] + "…" + text[-140:]
                       for text in (repr(got), repr(wanted)))
        raise AssertionError(f"{what}: got {got}, wanted {wanted}")
