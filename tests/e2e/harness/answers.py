"""Answers of the API."""


def data_of(answer):
    """The data of a 2xx answer. Any other status is an AssertionError, so that `eventually` asks again: a busy machine may answer 503."""
    assert answer.ok, f"{answer.request.method} {answer.request.path_url} returned {answer.status_code}: {answer.text}"
    return answer.json()["data"]
