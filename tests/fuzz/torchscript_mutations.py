"""Damages TorchScript files: as bytes, as zip archives, as code, as pickles, as tensors."""

import io
import pickletools
import random
import re
import struct
import warnings
import zipfile

EXTREMES = (
    0,
    1,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**63 - 1,
    2**63,
    2**64 - 1,
)
# Local headers, directory entries and the ends of the directory, with the offsets and sizes of
# their fields.
ZIP_FIELDS = {
    b"PK\3\4": ((6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)),
    b"PK\1\2": (
        (8, 2),
        (10, 2),
        (16, 4),
        (20, 4),
        (24, 4),
        (28, 2),
        (30, 2),
        (32, 2),
        (34, 2),
        (42, 4),
    ),
    b"PK\5\6": ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)),
    b"PK\6\6": ((4, 8), (24, 8), (32, 8), (40, 8), (48, 8)),
    b"PK\6\7": ((4, 4), (8, 8), (16, 4)),
}
TYPES = (
    "Tensor",
    "int",
    "float",
    "bool",
    "str",
    "Device",
    "NoneType",
    "Any",
    "List[int]",
    "List[Tensor]",
    "Dict[str, int]",
    "Optional[Tensor]",
    "Tuple[Tensor, Tensor]",
    "Future[Tensor]",
    "__torch__.Missing",
)
NUMBERS = (
    "-1",
    "0",
    "1",
    "65536",
    "2147483647",
    "-2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "1e308",
    "1e999",
    "annotate(float, inf)",
    "None",
    "True",
    "[]",
    '""',
)
GLOBALS = (
    b"torch._utils _rebuild_tensor_v2",
    b"torch._utils _rebuild_qtensor",
    b"torch._utils _rebuild_sparse_tensor",
    b"torch FloatStorage",
    b"torch DoubleStorage",
    b"torch ByteStorage",
    b"torch QInt8Storage",
    b"torch.jit._pickle build_intlist",
    b"torch.jit._pickle build_tensor_from_id",
    b"torch.jit._pickle restore_type_tag",
    b"collections OrderedDict",
    b"torch device",
    b"builtins complex",
    b"__torch__ Missing",
    b"fractions Fraction",
)
OPCODES = (
    b"N",
    b"\x88",
    b"\x89",
    b")",
    b"(",
    b"0",
    b"1",
    b"2",
    b"\x85",
    b"\x86",
    b"\x87",
    b"R",
    b"b",
    b".",
    b"]",
    b"}",
    b"e",
    b"u",
    b"s",
    b"Q",
    b"a",
    b"t",
    b"l",
    b"d",
    b"\x81",
    b"K\xff",
    b"J\xff\xff\xff\x7f",
    b"q\0",
    b"h\0",
    b"h\xff",
    b"r\xff\xff\xff\x7f",
    b"j\xff\xff\xff\x7f",
    b"G\x7f\xf8\0\0\0\0\0\0",
    b"\x8a\x08" + b"\xff" * 8,
    b"X\xff\xff\xff\x7f",
    b"X\0\0\0\0",
    b"\x80\x7f",
    b"B\xff\xff\xff\x7f",
)


def mutate_bytes(content, chance):
    """Bits, runs, lengths of any content."""
    content = bytearray(content)
    if not content:
        return bytes([chance.randrange(256)])
    start = chance.randrange(len(content))
    length = min(len(content) - start, chance.choice((1, 2, 4, 8, 64, 1024)))
    match chance.randrange(7):
        case 0:
            content[start] ^= 1 << chance.randrange(8)
        case 1:
            content[start : start + length] = chance.randbytes(length)
        case 2:
            del content[start:]
        case 3:
            del content[start : start + length]
        case 4:
            content[start:start] = content[start : start + length] * chance.choice((1, 2, 100))
        case 5:
            content[start : start + length] = bytes([chance.choice((0, 0xFF))]) * length
        case 6:
            to = chance.randrange(len(content))
            content[to : to + length] = content[start : start + length]
    return bytes(content)


def mutate_zip_fields(content, chance):
    """A number in the headers of the archive."""
    headers = [
        (match.start(), fields)
        for signature, fields in ZIP_FIELDS.items()
        for match in re.finditer(re.escape(signature), content)
    ]
    if not headers:
        return mutate_bytes(content, chance)
    start, fields = chance.choice(headers)
    offset, size = chance.choice(fields)
    content = bytearray(content)
    field = slice(start + offset, start + offset + size)
    if len(content[field]) < size:
        return bytes(content[:start])
    old = int.from_bytes(content[field], "little")
    new = chance.choice(
        (*EXTREMES, old + 1, old - 1, old ^ 1 << chance.randrange(8 * size), chance.getrandbits(64))
    )
    content[field] = (new % 256**size).to_bytes(size, "little")
    return bytes(content)


def mutate_code(content, chance):
    """Words and lines of a program."""
    text = content.decode("utf-8", "replace")
    tokens = list(re.finditer(r"[A-Za-z_][\w.]*|\d[\w.]*|\"[^\"\n]*\"|[^\w\s]", text))
    lines = text.splitlines(True)
    if not tokens or not lines:
        return mutate_bytes(content, chance)
    token, other = chance.choice(tokens), chance.choice(tokens)
    line = chance.randrange(len(lines))

    def replaced(new):
        return text[: token.start()] + new + text[token.end() :]

    match chance.randrange(9):
        case 0:
            text = replaced(other.group())
        case 1:
            text = replaced(chance.choice(NUMBERS))
        case 2:
            text = replaced(chance.choice(TYPES))
        case 3:
            text = replaced("")
        case 4:
            text = "".join(lines[:line] + lines[line + 1 :])
        case 5:
            text = "".join(
                lines[:line] + [lines[line]] * chance.choice((2, 50)) + lines[line + 1 :]
            )
        case 6:
            target = chance.randrange(len(lines))
            lines[line], lines[target] = lines[target], lines[line]
            text = "".join(lines)
        case 7:
            opening, closing = chance.choice(
                ("()", "[]", ("-", ""), ("not ", ""), ("List[", "]"), ("{0: ", "}"))
            )
            depth = chance.choice((2, 100, 20000))
            text = replaced(opening * depth + token.group() + closing * depth)
        case 8:
            numbers = [found for found in tokens if found.group()[0].isdigit()] or tokens
            token = chance.choice(numbers)
            text = replaced(chance.choice(NUMBERS))
    return text.encode("utf-8")


def split_pickle(content):
    """The pickle's operations, each with its argument."""
    starts = [position for _, _, position in pickletools.genops(content)] + [len(content)]
    return [content[start:end] for start, end in zip(starts, starts[1:])]


def mutate_argument(operation, operations, chance):
    """An operation of the pickle with another number, text, memo index, or global."""
    code, argument = operation[:1], operation[1:]
    if code in b"KMJ":
        value = chance.choice(EXTREMES + (chance.getrandbits(5), -1, -(2**31)))
        return b"\x8a\x0a" + value.to_bytes(10, "little", signed=True)
    if code == b"X":
        others = [one for one in operations if one[:1] == b"X"]
        if chance.random() < 0.5:
            return chance.choice(others)
        text = mutate_bytes(argument[4:], chance)
        return b"X" + struct.pack("<I", len(text)) + text
    if code in b"hq":
        return code + bytes([chance.choice((0, 255, argument[0] ^ 1, chance.randrange(256)))])
    if code == b"c":
        return b"c" + chance.choice(GLOBALS).replace(b" ", b"\n") + b"\n"
    return mutate_bytes(operation, chance)


def mutate_pickle(content, chance):
    """The pickle's operations."""
    try:
        operations = split_pickle(content)
    except (ValueError, IndexError, UnicodeDecodeError, struct.error):
        return mutate_bytes(content, chance)
    index = chance.randrange(len(operations))
    match chance.randrange(7):
        case 0:
            del operations[index]
        case 1:
            operations[index:index] = [operations[index]] * chance.choice((1, 3, 1000))
        case 2:
            other = chance.randrange(len(operations))
            operations[index], operations[other] = operations[other], operations[index]
        case 3:
            operations.insert(index, chance.choice(OPCODES))
        case 4:
            nesting = chance.choice((b"(", b"]", b"}", b"\x85", b")\x85"))
            operations.insert(index, nesting * chance.choice((2, 1000, 100000)))
        case _:
            with_argument = [i for i, one in enumerate(operations) if len(one) > 1] or [index]
            index = chance.choice(with_argument)
            operations[index] = mutate_argument(operations[index], operations, chance)
    return b"".join(operations)


def mutate_tensor(content, chance):
    """Weights that are NaN, infinite or very large, and data of another length."""
    match chance.randrange(4):
        case 0:
            return struct.pack("<I", chance.choice((0x7FC00000, 0x7F800000, 0x7F7FFFFF, 1))) * (
                len(content) // 4
            )
        case 1:
            return content[: chance.randrange(len(content) + 1)]
        case 2:
            return content + bytes(chance.choice((1, 4, 4096)))
    return mutate_bytes(content, chance)


def mutate_record(name, content, chance):
    """The record, damaged as the format that its name suggests."""
    if chance.random() < 0.1:
        return mutate_bytes(content, chance)
    if name.endswith((".pkl", ".debug_pkl")):
        return mutate_pickle(content, chance)
    if name.endswith(".py"):
        return mutate_code(content, chance)
    if re.search(r"/(data|constants)/\d+$", name):
        return mutate_tensor(content, chance)
    return chance.choice(
        (b"", b"0", b"-1", b"2\n", b"99", b"9" * 40, b"x", b"\0", mutate_bytes(content, chance))
    )


def mutate_records(records, chance, mutate_one=mutate_record):
    """Removes, repeats, renames, exchanges or changes one record, in place."""
    index, other = chance.randrange(len(records)), chance.randrange(len(records))
    name, content, compression = records[index]
    match chance.randrange(12):
        case 0:
            del records[index]
        case 1:
            records.append((name, records[other][1], compression))
        case 2:
            new = chance.choice(
                (
                    records[other][0],
                    name + "/",
                    "/" + name,
                    "../" + name,
                    name.upper(),
                    "x" * 4000,
                    name.replace("/", "//"),
                    name.split("/")[0],
                    "é" + name,
                    name[:-1],
                )
            )
            records[index] = (new, content, compression)
        case 3:
            records[index] = (name, records[other][1], compression)
        case 4:
            records[index] = (
                name,
                content,
                zipfile.ZIP_DEFLATED if compression == zipfile.ZIP_STORED else zipfile.ZIP_STORED,
            )
        case _:
            records[index] = (name, mutate_one(name, content, chance), compression)
    return records


def read_records(content):
    """[(name, content, compression)], or None when Python's own reader cannot read the archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [
                (entry.filename, archive.read(entry), entry.compress_type)
                for entry in archive.infolist()
            ]
    except Exception:  # pylint: disable=broad-except # zipfile raises all sorts of them
        return None


def write_records(records):
    """The archive."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, content, compression in records:
            entry = zipfile.ZipInfo()
            entry.filename = name
            archive.writestr(entry, content, compression)
    return buffer.getvalue()


def mutate(content, chance: random.Random, mutate_one=mutate_record):
    """The file with one to four changes; `mutate_one` damages a record by its name."""
    records = read_records(content)
    if records and chance.random() < 0.8:
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            if records:
                mutate_records(records, chance, mutate_one)
        content = write_records(records)
        if chance.random() < 0.9:
            return content
    for _ in range(chance.choice((1, 1, 2, 4))):
        content = chance.choice((mutate_bytes, mutate_zip_fields))(content, chance)
    return content
