"""The gateway's table of endpoints, read where it is declared."""

import pathlib
import re
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[4]
TABLE = ROOT / "gateway/routes.def"


class Route(NamedTuple):
    id: str
    method: str
    path: str
    message: str
    credentials: str
    permission: str
    tenants: str
    surface: str
    envelope: str
    status: int
    limit: str


def calls(method=None):
    """The routes whose requests go to a worker, all or those of one method."""
    rows = re.findall(r"^CALL\(([^\"]*\"[^\"]*\"[^\"]*)\"", TABLE.read_text(), re.MULTILINE)
    columns = [[column.strip().strip('"') for column in row.replace("\n", " ").split(",")] for row in rows]
    routes = [Route(*row[:7], row[7].split()[0], row[8], int(row[9]), row[10]) for row in columns]
    return [route for route in routes if method in (None, route.method)]


def worker_of(message):
    """The program that handles this bus message."""
    for file in (ROOT / "common/wire/messages").glob("*.def"):
        if re.search(rf"^MESSAGE\({message},", file.read_text(), re.MULTILINE):
            return f"{file.stem}-worker"
    raise AssertionError(f"{message} is not a bus message")
