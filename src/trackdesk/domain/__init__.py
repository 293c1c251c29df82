"""Values and decisions: no clock, no input, no output. Everything here may be imported from anywhere above."""
