"""Writes programs of torch.export field by field, without PyTorch.

The formats are those of torch/_export/serde/schema.py and torch/export/pt2_archive.
"""

import io
import json
import pickle
import zipfile

import numpy as np

BYTE, FLOAT, HALF, DOUBLE, LONG, BOOL = 1, 7, 6, 8, 5, 12
SCALAR_TYPES = {"float32": FLOAT, "float16": HALF, "float64": DOUBLE, "int64": LONG, "bool": BOOL}


def tensor(name):
    return {"as_tensor": {"name": name}}


def tensors(*names):
    return {"as_tensors": [{"name": name} for name in names]}


def sym_int(name):
    return {"as_sym_int": {"as_name": name}}


def argument(value):
    """A literal, or the value that a text names."""
    if value is None:
        return {"as_none": True}
    if isinstance(value, dict):
        return value
    if isinstance(value, bool):
        return {"as_bool": value}
    if isinstance(value, int):
        return {"as_int": value}
    if isinstance(value, float):
        return {"as_float": value}
    if isinstance(value, str):
        return tensor(value)
    return {"as_ints": list(value)}


def size(value):
    """A number, or the expression that a text is."""
    return {"as_int": value} if isinstance(value, int) else {"as_expr": {"expr_str": value}}


def description(shape, scalar_type=FLOAT, strides=None, offset=0):
    if strides is None:
        strides = [0] * len(shape)
        if all(isinstance(side, int) for side in shape):
            strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    return {
        "dtype": scalar_type,
        "sizes": [size(value) for value in shape],
        "requires_grad": False,
        "device": {"type": "cpu", "index": None},
        "strides": [size(value) for value in strides],
        "storage_offset": size(offset),
        "layout": 7,
    }


def module_stack(*modules):
    """Of (path, class) pairs, the network itself left out."""
    entries = ["L__self__,,network.Network"]
    entries += [f"L__self___{path},{path},torch.nn.modules.{kind}" for path, kind in modules]
    return ";".join(entries)


LEAF = {"type": None, "context": None, "children_spec": []}


class Graph:
    """Nodes of a program, or of a graph inside one."""

    def __init__(self, inputs=()):
        self.inputs = [tensor(name) for name in inputs]
        self.outputs, self.nodes, self.tensors = [], [], {}

    def add(self, target, output, modules=(), /, **inputs):
        """A node that gives what `output` is: the name of a tensor, or an argument of the format,
        or several."""
        outputs = output if isinstance(output, list) else [output]
        if not target.startswith(("torch.", "_operator.")):
            target = "torch.ops.aten." + target
        self.nodes.append(
            {
                "target": target,
                "inputs": [
                    {"name": name, "arg": argument(value), "kind": 1}
                    for name, value in inputs.items()
                ],
                "outputs": [argument(value) for value in outputs],
                "metadata": {"nn_module_stack": module_stack(*modules)} if modules else {},
                "name": output if isinstance(output, str) else "node",
            }
        )
        return output

    def as_json(self):
        return {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "nodes": self.nodes,
            "tensor_values": self.tensors,
            "sym_int_values": {},
            "sym_bool_values": {},
        }


class ProgramFile(Graph):
    """A program of one input, "x"."""

    def __init__(self, shape=(1, 3, 8, 8), scalar_type=FLOAT):
        super().__init__()
        self.input_specs, self.output_specs, self.ranges, self.guards = [], [], {}, []
        self.weights, self.constants = {}, {}  # name: (record, description)
        self.records = {}
        self.out_spec = LEAF
        self.named_tuples = {}
        self.schema_version = 8
        self.tensors["x"] = description(shape, scalar_type)
        self.user_input = [{"user_input": {"arg": tensor("x")}}]

    def stored(self, name, array, kind="parameter", record=None, shape=None, **layout):
        """A parameter, buffer or constant; `record`: of one whose bytes it shares."""
        array = np.asarray(array)
        value = kind[0] + "_" + name.replace(".", "_")
        is_constant = kind == "tensor_constant"
        if record is None:
            record = f"{'tensor' if is_constant else 'weight'}_{len(self.records)}"
            self.records[record] = array.tobytes()
        scalar_type = SCALAR_TYPES[str(array.dtype)]
        described = description(list(shape or array.shape), scalar_type, **layout)
        (self.constants if is_constant else self.weights)[name] = (record, described)
        self.tensors[value] = described
        specification = {"arg": {"name": value}, kind + "_name": name}
        if kind == "buffer":
            specification["persistent"] = True
        self.input_specs.append({kind: specification})
        return value

    def give(self, *values):
        for value in values:
            self.outputs.append(argument(value))
            self.output_specs.append({"user_output": {"arg": argument(value)}})

    def program(self):
        graph = self.as_json()
        specifications = self.input_specs + self.user_input
        graph["inputs"] = [
            tensor(next(iter(one.values()))["arg"]["name"]) for one in self.input_specs
        ] + [one["user_input"]["arg"] for one in self.user_input]
        return {
            "graph_module": {
                "graph": graph,
                "signature": {
                    "input_specs": specifications,
                    "output_specs": self.output_specs,
                },
                "module_call_graph": [
                    {
                        "fqn": "",
                        "signature": {
                            "inputs": [],
                            "outputs": [],
                            "in_spec": "",
                            "out_spec": json.dumps([1, self.out_spec]),
                        },
                    }
                ],
                "treespec_namedtuple_fields": self.named_tuples,
            },
            "opset_version": {"aten": 10},
            "range_constraints": self.ranges,
            "schema_version": {"major": self.schema_version, "minor": 1},
            "guards_code": self.guards,
            "torch_version": "2.13.0",
        }

    def payloads(self, stored):
        return {
            "config": {
                name: {
                    "path_name": record,
                    "is_param": True,
                    "use_pickle": False,
                    "tensor_meta": described,
                }
                for name, (record, described) in stored.items()
            }
        }

    def members(self):
        """Names and contents of the records, in the layout of PyTorch 2.8 and later."""
        members = {
            "models/model.json": json.dumps(self.program()),
            "data/weights/model_weights_config.json": json.dumps(self.payloads(self.weights)),
            "data/constants/model_constants_config.json": json.dumps(self.payloads(self.constants)),
            "archive_format": "pt2",
            "archive_version": "0",
            "byteorder": "little",
        }
        for record, content in self.records.items():
            folder = "weights" if record.startswith("weight") else "constants"
            members[f"data/{folder}/{record}"] = content
        return members

    def archive(self, **replaced):
        """The file's bytes; `replaced`: contents of records by their names with "_" for "/"."""
        members = {"net/" + name: content for name, content in self.members().items()}
        return zipped(members)

    def flat_archive(self, state=None, **options):
        """In the layout of PyTorch 2.5 and 2.6: no folder, and pickled weights."""

        def arrays(stored):
            return {
                name: np.frombuffer(self.records[record], np.float32).reshape(
                    [side["as_int"] for side in described["sizes"]]
                )
                for name, (record, described) in stored.items()
            }

        return zipped(
            {
                "serialized_exported_program.json": json.dumps(self.program()),
                "serialized_state_dict.pt": state or saved(arrays(self.weights), **options),
                "serialized_constants.pt": saved(arrays(self.constants)),
                "serialized_example_inputs.pt": b"",
                "version": "8.3",
            }
        )


def zipped(members, compression=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


# --- what torch.save writes -----------------------------------------------------------------------


class Global:
    """Stands for a name that the pickle imports."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """Stands for the call of such a name."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Storage:
    def __init__(self, key, count):
        self.key, self.count = key, count


class Pickler(pickle._Pickler):
    """Writes stand-ins as what they stand for."""

    def persistent_id(self, value):
        if isinstance(value, Storage):
            kind = Global("torch", "FloatStorage")
            return ("storage", kind, value.key, "cpu", value.count)
        return None

    def save(self, value, save_persistent_id=True):
        if isinstance(value, Global):
            self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())
        elif isinstance(value, Call):
            self.save(value.function)
            self.save(tuple(value.arguments))
            self.write(pickle.REDUCE)
        else:
            super().save(value, save_persistent_id)


def saved(arrays, replacement=None, is_parameter=False, protocol=2):
    """A dictionary of float32 arrays as torch.save writes it; `replacement`: what is pickled
    instead of a tensor."""
    members, state = {}, {}
    no_hooks = Call(Global("collections", "OrderedDict"))
    for index, (name, array) in enumerate(arrays.items()):
        strides = tuple(stride // array.itemsize for stride in array.strides)
        state[name] = replacement or Call(
            Global("torch._utils", "_rebuild_tensor_v2"),
            Storage(str(index), array.size),
            0,
            array.shape,
            strides,
            False,
            no_hooks,
        )
        if is_parameter:
            rebuild = Global("torch._utils", "_rebuild_parameter")
            state[name] = Call(rebuild, state[name], True, no_hooks)
        members[f"archive/data/{index}"] = array.tobytes()
    content = io.BytesIO()
    Pickler(content, protocol).dump(state)
    return zipped({"archive/data.pkl": content.getvalue(), **members, "archive/version": "3\n"})
