"""The API as the OpenAPI document and the route table describe it, and HTTP as raw bytes."""
