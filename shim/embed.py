"""Writes the texts of files as one C++ string: embed.py OUTPUT FILE..."""

import sys
from pathlib import Path

output, *files = map(Path, sys.argv[1:])
lines = [line for file in files for line in file.read_text().splitlines() if not line.startswith("#include \"")]
output.write_text('R"sscam(' + "\n".join(lines) + '\n)sscam"\n')
