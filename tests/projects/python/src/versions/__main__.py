"""`versions VERSION…`: prints the newest of them."""

import sys

from versions import newest


def main() -> int:
    found = newest(sys.argv[1:])
    if found is None:
        print("versions: none of these is a release", file=sys.stderr)
        return 1
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
