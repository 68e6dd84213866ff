"""The results: tables for people, JSON for programs, and whether each target was reached."""

import datetime
import json
import typing


class Target(typing.NamedTuple):
    what: str
    measured: float
    bound: float
    at_most: bool
    unit: str

    @property
    def reached(self):
        return self.measured <= self.bound if self.at_most else self.measured >= self.bound

    def row(self):
        sign = "≤" if self.at_most else "≥"
        return {"target": self.what, "wanted": f"{sign} {number(self.bound)} {self.unit}".strip(),
                "measured": f"{number(self.measured)} {self.unit}".strip(), "": "reached" if self.reached else "MISSED"}


class Section:
    """The results of one measurement. They are shown only if the measurement and its audits succeeded."""

    def __init__(self, name, what):
        self.name, self.what = name, what
        self.tables, self.targets, self.failure = [], [], None

    def table(self, title, rows):
        self.tables.append((title, rows))

    def at_most(self, what, measured, bound, unit=""):
        self.targets.append(Target(what, measured, bound, True, unit))

    def at_least(self, what, measured, bound, unit=""):
        self.targets.append(Target(what, measured, bound, False, unit))


class Report:
    def __init__(self, machine, quick):
        self.machine, self.quick = machine, quick
        self.date = datetime.datetime.now(datetime.timezone.utc)
        self.sections = []

    def targets(self):
        return [target for section in self.sections for target in section.targets]

    def failures(self):
        return [section for section in self.sections if section.failure]

    def as_json(self):
        return json.dumps({
            "date": self.date.isoformat(timespec="seconds"), "quick": self.quick, "machine": self.machine,
            "measurements": {
                section.name: {"failure": section.failure, "tables": dict(section.tables)} if section.failure
                else {"tables": dict(section.tables)} for section in self.sections},
            "targets": [{"target": t.what, "measured": t.measured, "wanted": t.bound, "unit": t.unit,
                         "reached": t.reached} for t in self.targets()]}, indent=1, ensure_ascii=False)

    def as_markdown(self):
        lines = [f"Measured {self.date:%Y-%m-%d %H:%M} UTC" + (", a quick run" if self.quick else "") + ".", "",
                 *grid([{"machine": name, "": value} for name, value in self.machine.items()]), "",
                 *grid([target.row() for target in self.targets()])]
        for section in self.sections:
            lines += ["", f"### {section.what}"]
            if section.failure:
                lines += ["", f"Not measured: {section.failure}"]
            for title, rows in section.tables:
                lines += ["", f"{title}{':' if rows else '.'}", *([""] if rows else []), *grid(rows)]
        return "\n".join(lines) + "\n"


def grid(rows):
    """Rows (dicts) as lines of a Markdown table that is also readable on a terminal."""
    if not rows:
        return []
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [columns] + [[number(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    right = [all(not isinstance(row.get(column), str) for row in rows) for column in columns]

    def line(texts):
        return "| " + " | ".join(text.rjust(w) if r else text.ljust(w) for text, w, r in zip(texts, widths, right)) + " |"

    rule = "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right)) + "|"
    return [line(cells[0]), rule, *map(line, cells[1:])]


def number(value):
    """Three significant digits, with spaces between thousands."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"
