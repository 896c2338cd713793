"""What Bazel runs for a test file: pytest on the files that the target names."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))
