"""The agreement between the two towers: which calls there are, who may make them, and what they look like."""
