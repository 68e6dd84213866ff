"""Reads SQL for the checks: the functions of db/functions as nested lists of words, without comments.

A word is a str in lower case; a string, a number or its name (:state_sent) is a Literal; the content of parentheses is a list. A comment
that begins with "Lock order:" or "By its id:" is a Marker. This is not a full SQL parser: it supports what the checks need, and fails on
anything else.
"""

import collections
import dataclasses
import pathlib
import re

TOKEN = re.compile(
    r"""(?P<blank>\s+) | --(?P<comment>[^\n]*) | (?P<string>[eE]?'(?:[^'\\]|''|\\.)*') | (?P<quoted>"[^"]*") | (?P<dollar>\$[a-z]*\$)
      | (?P<number>\d[\d.]*|:[a-z]+_[a-z_]+) | (?P<word>[A-Za-z_][A-Za-z_0-9$]*) | (?P<sign>::|:=|\|\||[<>=!~@\#&|?*+/%^-]+|[^\s\w])""", re.X)


class Literal(str):
    """A string, a number, a parameter."""


class Marker(str):
    """A comment with a meaning for a check."""


@dataclasses.dataclass
class Function:
    name: str
    file: str
    line: int
    parameters: list  # (name, the words of its type) of the input parameters
    columns: list  # names of "returns table"
    gives: list  # (name, type) of all columns of its result
    body: list


def nested(text):
    """The words of a text; the content of parentheses is a list in the list."""
    top = []
    open_ones = [top]
    place = 0
    while place < len(text):
        found = TOKEN.match(text, place)
        assert found, f"not understood: {text[place:place + 40]!r}"
        place = found.end()
        kind, here = found.lastgroup, open_ones[-1]
        if kind == "comment" and found["comment"].strip().startswith(("Lock order:", "By its id:")):
            here.append(Marker(found["comment"].strip()))
        elif kind in ("string", "number"):
            here.append(Literal(found[0]))
        elif kind == "dollar":
            end = text.index(found[0], place)
            here += nested(text[place:end])  # SQL in a string is read as part of the text
            place = end + len(found[0])
        elif found[0] == "(":
            here.append([])
            open_ones.append(here[-1])
        elif found[0] == ")":
            open_ones.pop()
        elif kind in ("word", "quoted", "sign"):
            here.append(found[0].strip('"').lower())
    assert len(open_ones) == 1, "parentheses do not match"
    return top


def split(words, sign):
    """[[…], […]]: the words between these signs."""
    parts = [[]]
    for word in words:
        if word == sign and not isinstance(word, Literal):
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def functions(text, file="?"):
    """The functions that a text creates."""
    made = []
    for start in re.finditer(r"^create (?:or replace )?function ([a-z_0-9]+)\s*\(", text, re.M):
        rest = text[start.end() - 1:]
        opening = re.search(r"\bas\s+(\$[a-z]*\$)", rest)
        assert opening, f"{file}: {start[1]} has no body between dollars"
        end = rest.index(opening[1], opening.end())
        head, *behind = nested(rest[:opening.start()])
        columns = behind[behind.index("table") + 1] if "table" in behind else []
        outs = [part[1:] for part in split(head, ",") if part[0] == "out"]
        returned = behind[behind.index("returns") + 1:] if "returns" in behind else []
        scalar = [word for word in returned if word != "setof"][:1]
        gives = split(columns, ",") or outs or [[start[1], *scalar]]
        parameters = [[word for word in part if word not in ("inout", "variadic")] for part in split(head, ",") if part[0] != "out"]
        made.append(Function(start[1], file, text.count("\n", 0, start.start()) + 1,
                             [(part[0], part[1:part.index("default")] if "default" in part else part[1:]) for part in parameters],
                             [part[0] for part in split(columns, ",")],
                             [(part[0], "".join(part[1:])) for part in gives],
                             nested(rest[opening.end():end])))
    return made


def all_functions(root="db/functions"):
    files = sorted(pathlib.Path(root).rglob("*.sql"))
    assert files, f"there is nothing in {root}"
    return [function for file in files for function in functions(file.read_text(), str(file))]


def by_name(made):
    named = collections.defaultdict(list)
    for function in made:
        named[function.name].append(function)
    return named


def parts_of_query(words):
    """[(name, words)] for "with name as (…), …", and last (None, the words of the main query). Words that do not begin with
    "with" have only the last one."""
    parts = []
    rest = words
    if rest[:1] == ["with"]:
        rest = rest[1:] if rest[1:2] == ["recursive"] else rest
        while not parts or rest[:1] == [","]:
            name, rest = rest[1], rest[2:]
            if isinstance(rest[0], list):
                rest = rest[1:]
            assert rest[0] == "as", f"with {name}: not understood"
            rest = rest[next(place for place, word in enumerate(rest) if isinstance(word, list)):]
            parts.append((name, rest[0]))
            rest = rest[1:]
    return [*parts, (None, rest)]


def ends_of_statements(words):
    """The positions of words after which another statement begins, except within case … end."""
    cases = 0
    for place, word in enumerate(words):
        if isinstance(word, (list, Literal, Marker)):
            continue
        if word == "case":
            cases += 1
        elif word == "end" and cases:
            cases -= 1
        elif word in (";", "union", "loop", "begin") or word in ("then", "else") and not cases:
            yield place


def words_in(words):
    """All words at any depth."""
    for word in words:
        if isinstance(word, list):
            yield from words_in(word)
        elif not isinstance(word, (Literal, Marker)):
            yield word


def own_words(words):
    """The words of a query, with those in parentheses but without those of nested queries."""
    for word in words:
        if isinstance(word, list):
            if word[:1] not in (["select"], ["with"]):
                yield from own_words(word)
        elif not isinstance(word, Marker):
            yield word
