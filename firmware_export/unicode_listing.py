"""Unicode tables of the tokenizers that are written in other languages than C, as JSON.

usage: python -m firmware_export.unicode_listing
writes firmware_export/python/unicode.json anew. It is kept in the repository, because
asking the reference about a million code points takes seconds, and a test asks again.

The file holds four lists of lists of numbers, sorted by their first:
`runs`      [first, last, kind, rank] of code points that are alike: kind 1 is dropped,
            2 is dropped and marks are not sorted across it, 3 is a space, 4 is a word
            of its own, 5 is a mark, sorted by its rank; all others are letters, rank 0;
`mapped`    [first, target, ...]: what the code points from `first` on become;
`sequences` [code point, target, ...]: one that becomes several;
`hangul`    [first, last] of the syllables, which become two or three letters by
            arithmetic (The Unicode Standard, section 3.12).
A target is looked up in `runs` and no further.
"""

import json
import pathlib

from firmware_export.unicode_probe import HANGUL, MAPPED, Character, probe

LISTING = pathlib.Path(__file__).with_name("python") / "unicode.json"
# A new list costs about as much as two entries.
_MOST_BRIDGED = 2


def listing(found: dict[int, Character]) -> str:
    """The JSON text.

    Args:
        found: what probe() says.
    """
    runs: list[list[int]] = []
    mapped: list[list[int]] = []
    sequences: list[list[int]] = []
    for code, character in sorted(found.items()):
        targets = list(character.becomes)
        if code in HANGUL:
            continue
        if character.kind != MAPPED:
            alike = [character.kind, character.rank]
            if runs and runs[-1][1:] == [code - 1, *alike]:
                runs[-1][1] = code
            else:
                runs.append([code, code, *alike])
        elif len(targets) > 1:
            sequences.append([code, *targets])
        else:
            _add(mapped, code, targets[0], found)
    lists = {
        "runs": runs,
        "mapped": mapped,
        "sequences": sequences,
        "hangul": [[HANGUL[0], HANGUL[-1]]],
    }
    return json.dumps(lists, separators=(",", ":")).replace("]],", "]],\n") + "\n"


def _add(
    mapped: list[list[int]], code: int, target: int, found: dict[int, Character]
) -> None:
    """Adds it to the last list if few code points lie between that become none else."""
    if mapped:
        last = mapped[-1][0] + len(mapped[-1]) - 1
        between = range(last, code)
        if len(between) <= _MOST_BRIDGED and not any(
            found[other].kind == MAPPED for other in between if other in found
        ):
            mapped[-1] += [*between, target]
            return
    mapped.append([code, target])


def write_listing(path: pathlib.Path = LISTING) -> None:
    path.write_text(listing(probe()), "ascii")


if __name__ == "__main__":
    write_listing()
