"""Writes networks of the matrix as TorchScript files: make_models.py FOLDER [NETWORK...]"""

import pathlib
import sys
import warnings

import networks


def main():
    warnings.simplefilter("ignore")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or networks.NETWORKS:
        network = networks.build(name)
        example = networks.example_input(name, networks.dtype_of(network))
        for form in networks.forms_of(name):
            path = folder / f"{name}.{form}.pt"
            networks.export(network, name, form, example).save(str(path))
            print(path)


if __name__ == "__main__":
    main()
