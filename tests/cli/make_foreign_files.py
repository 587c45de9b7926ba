"""Writes files that people give in place of a network: make_foreign_files.py FOLDER"""

import pathlib
import pickle
import sys

import numpy
import torch


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.features = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
        self.head = torch.nn.Linear(4, 6)

    def forward(self, x):
        return self.head(self.features(x).mean([2, 3]))


def write_torch_files(folder, network):
    state = network.state_dict()
    script = torch.jit.script(network)
    old = {"_use_new_zipfile_serialization": False}
    torch.save(state, folder / "state_dict.pth")
    torch.save(state, folder / "state_dict_old.pth", **old)
    torch.save(state, folder / "state_dict_protocol_4.pth", pickle_protocol=4)
    torch.save(dict(state), folder / "state_dict_plain.bin")
    torch.save({"epoch": 3, "state_dict": state}, folder / "checkpoint.ckpt")
    torch.save({"epoch": 3, "model": network}, folder / "checkpoint_module.pt")
    torch.save(network, folder / "module.pt")
    torch.save(network, folder / "module_old.pt", **old)
    torch.save(network, folder / "module_protocol_4.pt", pickle_protocol=4)
    torch.save(torch.rand(3, 4), folder / "tensor.pt")
    torch.jit.optimize_for_inference(script).save(str(folder / "optimised.pt"))
    script._save_for_lite_interpreter(str(folder / "lite_flatbuffer.ptl"), _use_flatbuffer=True)
    script._save_for_lite_interpreter(str(folder / "lite.ptl"))
    script.save(str(folder / "network.pt"))


def main(folder):
    torch.manual_seed(0)
    write_torch_files(folder, Classifier().eval())
    whole = (folder / "network.pt").read_bytes()
    (folder / "cut.pt").write_bytes(whole[: len(whole) // 2])
    (folder / "cut_by_one.pt").write_bytes(whole[:-1])
    (folder / "empty.pt").write_bytes(b"")
    (folder / "scores.pkl").write_bytes(pickle.dumps([0.5, 0.25]))
    numpy.savez(folder / "arrays.npz", weight=numpy.zeros(3), bias=numpy.zeros(3))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
