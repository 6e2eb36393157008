"""`python -m forum_app.core.scheduling.warming`: compile the search at forum scale, once per installation.

A worker starts this as it begins, so that the first run does not wait half a minute for it. What is compiled
is kept where `large_kernel.compiled` says; where it is there already, this ends within a second or two.
"""

import os

from forum_app.core.scheduling.large import prepare

LEAST_URGENT = 19


def main() -> None:
    if hasattr(os, "nice"):
        os.nice(LEAST_URGENT)
    prepare()


if __name__ == "__main__":
    main()
