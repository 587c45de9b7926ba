"""Damages programs of torch.export: as torchscript_mutations.py does, and their JSON."""

import copy
import json
import random
import re

import torchscript_mutations as mutations

NUMBERS = (0, 1, -1, 2, 255, 65536, 2**31 - 1, -(2**31), 2**31, 2**53, 2**63 - 1, -(2**63), 2**64)
SCALARS = (*NUMBERS, 0.5, 1e308, None, True, False, "", [], {}, "as_tensor", "x" * 5000)


def containers_in(value):
    """Every object and list of a document, once, however often it stands there."""
    pending, found, seen = [value], [], set()
    while pending:
        one = pending.pop()
        if isinstance(one, (dict, list)) and id(one) not in seen:
            seen.add(id(one))
            found.append(one)
            pending.extend(one.values() if isinstance(one, dict) else one)
    return [one for one in found if one]


def is_short(value):
    """Whether a thousand of it are no more than a file may have."""
    try:
        return len(json.dumps(value)) < 1000
    except RecursionError:
        return False


def change_entry(container, key, containers, chance):
    """Another value of the same kind, or of another, in place."""
    old, other = container[key], chance.choice(containers)
    match chance.randrange(7):
        case 0:
            container[key] = chance.choice(SCALARS)
        case 1 if isinstance(old, int) or old is None:
            container[key] = chance.choice(NUMBERS)
        case 2:  # from elsewhere in the document
            taken = chance.choice(list(other.values() if isinstance(other, dict) else other))
            container[key] = copy.deepcopy(taken)  # it may be what it is put into
        case 3:
            container[key] = [old] * chance.choice((1, 2, 1000 if is_short(old) else 3))
        case 4:
            for _ in range(chance.choice((1, 30, 20000))):
                old = [old]
            container[key] = old
        case 5 if isinstance(old, str):
            container[key] = mutations.mutate_bytes(old.encode(), chance).decode("utf-8", "replace")
        case _ if isinstance(old, int) and not isinstance(old, bool):
            container[key] = old + chance.choice((-1, 1))


def change_container(containers, chance):
    container = chance.choice(containers)
    keys = list(container) if isinstance(container, dict) else list(range(len(container)))
    key = chance.choice(keys)
    match chance.randrange(6):
        case 0:
            del container[key]
        case 1 if isinstance(container, dict):
            container[str(chance.choice(SCALARS))] = container[key]
        case 1:
            container.insert(chance.choice(keys), container[key])
        case 2:
            other = chance.choice(keys)
            container[key], container[other] = container[other], container[key]
        case _:
            change_entry(container, key, containers, chance)


def text_of(document):
    """JSON of any depth: lists of one element are written by hand."""
    opening = closing = ""
    while isinstance(document, list) and len(document) == 1:
        opening, closing, document = opening + "[", closing + "]", document[0]
    return opening + json.dumps(document) + closing


def mutate_json(content, chance):
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return mutations.mutate_bytes(content, chance)
    try:
        for _ in range(chance.choice((1, 1, 2, 5))):
            containers = containers_in(document)
            if containers:
                change_container(containers, chance)
        return text_of(document).encode()
    except RecursionError:  # nested too deep for Python
        depth = chance.choice((2000, 200000))
        return content[:-1] + b"," + b'{"a":' * depth + b"1" + b"}" * (depth + 1)


def mutate_record(name, content, chance):
    if name.endswith(".json") and chance.random() < 0.85:
        return mutate_json(content, chance)
    if re.search(r"/(weight|tensor)_\d+$", name):
        return mutations.mutate_tensor(content, chance)
    return mutations.mutate_record(name, content, chance)


def mutate(content, chance: random.Random):
    """The file with one to four changes."""
    return mutations.mutate(content, chance, mutate_record)
