"""Lists that come in pages."""


def rows_of_all_pages(name, page_after):
    """The rows with this name of all pages. page_after(position) asks for one page; the position of the first page is None."""
    page = page_after(None)
    rows = page[name]
    while page["next"] is not None:
        page = page_after(page["next"])
        rows = rows + page[name]
    return rows
