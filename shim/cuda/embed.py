"""Writes the texts of files as a string in a C++ file: embed.py OUTPUT NAME FILE..."""

import sys
from pathlib import Path

output, name, *files = sys.argv[1:]
lines = [
    line
    for file in files
    for line in Path(file).read_text().splitlines()
    if not line.startswith('#include "')
]
text = "\n".join(lines)
Path(output).write_text(
    f'extern const char *const {name};\nconst char *const {name} = R"sscam({text}\n)sscam";\n'
)
