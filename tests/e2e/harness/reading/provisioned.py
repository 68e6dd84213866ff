"""What nexusctl shows of contact centers and their numbers."""

from harness.reading.pages import rows_of_all_pages


def numbers(stack, ccid=None):
    """All numbers that are or were provisioned, or those of one contact center."""
    words = ["--tenant", ccid] if ccid else []
    return rows_of_all_pages("numbers", lambda after: stack.nexusctl_json(
        "numbers", "list", *words, *(["--after", after] if after else [])))


def destinations(stack, ccid):
    """The destinations of a contact center; those that no number has are included."""
    listed = [stack.nexusctl_json("destinations", "list", "--tenant", ccid, *words)["destinations"] for words in ([], ["--state", "unused"])]
    return list({one["id"]: one for page in listed for one in page}.values())
