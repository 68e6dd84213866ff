"""Finds private words in logs. A long run has thousands of private words, and each test adds some; so every line is read
once, and words are found by their first characters."""

import collections

BEGINNING = 8


class Logs:
    """Finds the words that each file shows in the lines since its last check."""

    def __init__(self):
        self._read = {}  # file → length of the complete lines that were checked

    def shows(self, file, words):
        text = self._new_text(file)
        return found(text, words) if text else []

    def _new_text(self, file):
        if not file.exists():
            return ""
        with open(file, "rb") as log:
            log.seek(self._read.get(file, 0))
            text = log.read()
        self._read[file] = self._read.get(file, 0) + text.rfind(b"\n") + 1  # an incomplete line is read again
        return text.decode(errors="replace")


def found(text, words):
    """The words that occur in the text."""
    by_beginning = collections.defaultdict(list)
    for word in words:
        by_beginning[word[:BEGINNING]].append(word)
    short = [word for word in words if len(word) < BEGINNING and word in text]
    present = {text[at:at + BEGINNING] for at in range(len(text) - BEGINNING + 1)}
    return short + [word for beginning in present & by_beginning.keys() for word in by_beginning[beginning] if word in text]
