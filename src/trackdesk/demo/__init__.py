"""A made-up company at work, seen only through the HTTP API, as a real one would be."""
