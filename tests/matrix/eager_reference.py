"""A network in eager PyTorch: every intermediate map and token with its gradient, by
autograd alone.

Values are copied when they appear, since later operations may overwrite them, and gradients are
taken at the node of autograd's graph that made the value, which in-place operations on it leave
alone.
"""

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


class Value:
    def __init__(self, activation):
        self.activation = activation
        self.gradient = torch.zeros_like(activation)


class Observer(TorchFunctionMode):
    """Records outputs of operations and modules: of the input's rank, and tokens of images."""

    def __init__(self, network, rank):
        super().__init__()
        self.ranks = (3, 4) if rank == 4 else (rank,)
        self.by_node = {}
        self.by_module = {}  # of a module's last call
        self.is_copying = False
        modules = list(network.named_modules(remove_duplicate=False))
        for name, module in modules:
            # Of a module with two names, each name means the calls made by it, which hooks cannot
            # tell.
            if name and sum(other is module for _, other in modules) == 1:
                module.register_forward_hook(
                    lambda _, inputs, output, name=name: self.see(output, name)
                )

    def __torch_function__(self, function, types, args=(), kwargs=None):
        output = function(*args, **(kwargs or {}))
        if function is torch.Tensor.detach and not self.is_copying and output.is_floating_point():
            # What it detaches has a gradient, too; beyond it there is none.
            output = output.requires_grad_().view_as(output)
        for tensor in output if isinstance(output, (tuple, list)) else [output]:
            self.see(tensor)
        return output

    def see(self, tensor, module_name=None):
        if (
            not isinstance(tensor, torch.Tensor)
            or tensor.dim() not in self.ranks
            or tensor.grad_fn is None
        ):
            return
        node, slot = tensor.grad_fn, tensor.output_nr
        value = self.by_node.get((node, slot))
        if value is None:
            self.is_copying = True  # hooks of modules see tensors while functions are observed
            value = self.by_node[node, slot] = Value(tensor.detach().clone())
            self.is_copying = False
            node.register_hook(lambda _, gradients: self.keep_gradient(value, gradients[slot]))
        if module_name is not None:
            self.by_module[module_name] = value

    @staticmethod
    def keep_gradient(value, gradient):
        if gradient is not None:
            value.gradient = gradient.detach().clone()


def logits_in(output):
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, (tuple, list)):
        output = next(tensor for tensor in output if tensor is not None and tensor.dim() == 2)
    return output.reshape(output.shape[0], -1)


class Reference:
    def __init__(self, network, example):
        self.network = network
        self.example = example
        observer = Observer(network, example.dim())
        with observer:
            logits = logits_in(network(example.clone().requires_grad_().clone()))
        self.logits = logits.detach()[0]
        self.top_class = int(self.logits.argmax())
        logits[0, self.top_class].backward()
        self.by_module = observer.by_module
        self.values = list(observer.by_node.values())

    def masked_scores(self, activations, channels, class_index):
        """Logits of the input masked with s(U(A_k)) for each channel k."""
        size = self.example.shape[2:]
        maps = torch.from_numpy(activations)[channels].unsqueeze(1)
        mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(size)]
        masks = F.interpolate(maps, size=size, mode=mode, align_corners=False).to(
            self.example.dtype
        )
        positions = tuple(range(2, masks.dim()))
        low, high = masks.amin(positions, keepdim=True), masks.amax(positions, keepdim=True)
        masks = (masks - low) / (high - low)
        with torch.no_grad():
            return torch.cat(
                [logits_in(self.network(self.example * mask))[:, class_index] for mask in masks]
            )
