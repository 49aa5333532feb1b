"""The commands of `python -m opsverify`, a module each: `add_parser` declares one, `run` runs it."""
