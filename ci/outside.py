#!/usr/bin/env python3
"""Tests ringd from outside: real processes, sockets, redis-py, redis-cli and signals on 127.0.0.1.

    ci/outside.py PATH-OF-RINGD [--only TEXT] [--list]

One line for each check, then `N passed, M failed`; exits 1 when one failed. Needs redis-py;
checks that need redis-cli or redis-benchmark are skipped, and say so, where those are missing.
"""

import argparse
import sys
import time
import traceback

sys.dont_write_bytecode = True

from outside_checks import CHECKS, Skipped, cluster  # noqa: E402
from outside_checks import cuts, limits, ring, faults, admin, shell  # noqa: E402, F401


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ringd")
    parser.add_argument("--only", default="", help="checks whose name contains this")
    parser.add_argument("--list", action="store_true", help="names the checks and ends")
    parser.add_argument("--trace", action="store_true", help="shows where a failed check failed")
    args = parser.parse_args()
    chosen = [check for check in CHECKS if args.only in check.name]
    if args.list:
        print(*(check.name for check in chosen), sep="\n")
        return 0
    cluster.prepare(args.ringd)
    passed = failed = skipped = 0
    for check in chosen:
        start = time.monotonic()
        word, text = "ok  ", ""
        try:
            text = check.run() or ""
            passed += 1
        except Skipped as reason:
            word, text = "skip", str(reason)
            skipped += 1
        except Exception as error:
            word, text = "FAIL", f"{type(error).__name__}: {error}"[:2000]
            failed += 1
            if args.trace:
                traceback.print_exc()
        finally:
            cluster.stop_all_but_kept()
        spent = time.monotonic() - start
        print(f"{word} {check.name} ({spent:.1f} s){': ' if text else ''}{text}", flush=True)
    cluster.stop_all()
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
