"""MediaPipe's TextClassifier, run in an environment that has MediaPipe alone.

usage: mediapipe_classify.py MODEL <TEXTS >RESULTS
TEXTS is a JSON list; RESULTS is one with a list of [index, score, name] for each text,
the likeliest first.
"""

import json
import sys

from mediapipe.tasks.python import text
from mediapipe.tasks.python.core.base_options import BaseOptions


def main() -> None:
    options = text.TextClassifierOptions(BaseOptions(model_asset_path=sys.argv[1]))
    with text.TextClassifier.create_from_options(options) as classifier:
        results = [
            [
                [category.index, category.score, category.category_name]
                for category in classifier.classify(one).classifications[0].categories
            ]
            for one in json.load(sys.stdin)
        ]
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
