#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: make_corpus.py FOLDER. Needs Debian's PIL and NumPy.

Regression files, found by fuzzing, lie beside the seeds and are none of this script's.
"""

import collections
import io
import json
import pickle
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import numpy
import PIL.Image

METHODS = 15
NETWORKS = 17


def gradient(width=9, height=7):
    """RGBA of a few pixels, all different."""
    y, x = numpy.mgrid[:height, :width]
    return numpy.stack([x * 28, y * 36, (x + y) * 15, 255 - x * 20], -1).astype(numpy.uint8)


def encoded(image, kind, **settings):
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def interlaced_png():
    """One pixel of 16-bit gray: Adam7's first pass is the whole image."""
    header = struct.pack(">IIBBBBB", 1, 1, 16, 0, 0, 0, 1)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b"\0\x12\x34"))
        + png_chunk(b"IEND", b"")
    )


def pngs():
    rgba = PIL.Image.fromarray(gradient())
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        image = rgba.convert("RGB").convert(mode) if mode in "1P" else rgba.convert(mode)
        yield mode, encoded(image, "PNG")
    yield (
        "16-bit",
        encoded(PIL.Image.fromarray(gradient()[:, :, 0].astype(numpy.uint16) * 257), "PNG"),
    )
    yield "transparent-colour", encoded(rgba.convert("RGB"), "PNG", transparency=(28, 36, 30))
    yield "interlaced", interlaced_png()


def jpegs():
    rgb = PIL.Image.fromarray(gradient(17, 19)).convert("RGB")
    yield "gray", encoded(rgb.convert("L"), "JPEG")
    yield "colour", encoded(rgb, "JPEG", subsampling=2)
    yield "progressive", encoded(rgb, "JPEG", progressive=True, quality=50)
    yield "inks", encoded(rgb.convert("CMYK"), "JPEG")
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    yield "turned", encoded(rgb, "JPEG", exif=exif.tobytes())


def bmps():
    rgb = PIL.Image.fromarray(gradient()).convert("RGB")
    for mode in ("1", "L", "P", "RGB"):
        yield mode, encoded(rgb.convert(mode), "BMP")
    yield "alpha", encoded(PIL.Image.fromarray(gradient()), "BMP")


def tiffs():
    rgba = PIL.Image.fromarray(gradient())
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK"):
        image = (
            rgba.convert("RGB").convert(mode)
            if mode in ("1", "P", "CMYK")
            else (rgba.convert(mode))
        )
        yield mode, encoded(image, "TIFF")
    rgb = rgba.convert("RGB")
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        yield compression, encoded(rgb, "TIFF", compression=compression)
    yield "fax", encoded(rgb.convert("1"), "TIFF", compression="group4")
    wide = PIL.Image.fromarray(gradient()[:, :, 0].astype(numpy.uint16) * 257)
    yield "16-bit", encoded(wide, "TIFF")
    yield "turned", encoded(rgb, "TIFF", tiffinfo={274: 6})


def webps():
    rgba = PIL.Image.fromarray(gradient())
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    yield "lossless", encoded(rgba, "WEBP", lossless=True)
    yield "lossy", encoded(rgba.convert("RGB"), "WEBP", quality=50)
    yield "lossy-alpha", encoded(rgba, "WEBP", quality=50)
    yield "turned", encoded(rgba, "WEBP", lossless=True, exif=exif.tobytes())


def npys():
    for name, array in {
        "tensor": numpy.linspace(-1, 1, 1 * 3 * 2 * 2, dtype=numpy.float32).reshape(1, 3, 2, 2),
        "scalar": numpy.float32(1.5),
        "vector": numpy.ones(3, numpy.float32),
        "empty": numpy.ones(0, numpy.float32),
        "double": numpy.ones((2, 2)),
        "fortran": numpy.ones((2, 3), numpy.float32, order="F"),
    }.items():
        buffer = io.BytesIO()
        numpy.save(buffer, array)
        yield name, buffer.getvalue()
    buffer = io.BytesIO()
    numpy.lib.format.write_array(buffer, numpy.ones((2, 1), numpy.float32), version=(2, 0))
    yield "version-2", buffer.getvalue()


def annotations():
    box = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>40</xmax><ymax>30.5</ymax></bndbox>"
    head = "<annotation><size><width>64</width><height>48</height><depth>3</depth></size>"
    yield (
        "voc",
        f"{head}<object><name>cat</name>{box}</object>"
        f"<object><name>dog</name>{box}</object></annotation>",
    )
    yield "stanford40", f"<annotation><object><action> riding </action>{box}</object></annotation>"
    yield (
        "entity",
        f'<?xml version="1.0"?>{head}'
        f"<object><name>a&amp;b&#65;<![CDATA[<]]></name>{box}</object></annotation>",
    )
    yield (
        "doctype",
        f'<!DOCTYPE annotation [<!ENTITY e "x">]>{head}'
        f"<object><name>&e;</name>{box}</object></annotation>",
    )
    yield (
        "shares",
        "<annotation><object><name>a</name><bndbox><xmin>0</xmin><ymin>0.25</ymin><xmax>1</xmax>"
        "<ymax>0.5</ymax></bndbox></object><object><name>b</name></object></annotation>",
    )
    declared = f'<?xml version="1.0" encoding="utf-16"?>{head}</annotation>'
    yield "utf-16", declared.encode("utf-16")
    yield "yolo", "0 0.5 0.5 0.25 0.125\r\n2 .5 .5 1 1 0.9\n\n9 .5 .5 .1 .1\n"
    yield "yolo-polygon", "1 0.1 0.1 0.9 0.2 0.5 0.7\n1 nan 0 0 0\n0 160 128 20 20\n"
    yield "without-size", f"<annotation><!-- c --><object><name>x</name>{box}</object></annotation>"


def labels():
    yield "names", "tench\ngoldfish\n\ntench \r\n"
    yield "indexed", "index,id,name\n1,n02,goldfish, common\n0,n01,tench\n7,n07,cock\n"
    yield "tabs", "0\tn01\ttench\n2\tn02\tgoldfish\n"

    names = ["tench", "goldfish", "cock"]
    yield "wordnet", "n01440764 tench, Tinca tinca\nn01443537 goldfish\n"
    yield "semicolons", 'name;index\ntench;0\n"gold;fish";1\n'
    yield "numbered", "0: tench\r1: goldfish\r2: cock"
    yield "utf-16", "tench\r\ngoldfish\r\n".encode("utf-16")
    yield "json-list", json.dumps(names)
    yield "json-map", json.dumps({"0": ["n01440764", "tench"], "1": "goldfish", "2": ["cock"]})
    yield "json-indices", json.dumps({"tench": 0, "goldfish": 2})
    yield "huggingface", json.dumps({"id2label": {"0": "a"}, "label2id": {"a": 0}})
    yield "categories", json.dumps({"categories": [{"id": 1, "name": "person"}]})
    yield "python", "{0: 'tench', 1: \"potter's wheel\"}"
    yield "yaml", "path: x # y\nnc: 3\nnames:\n  0: tench\n  1: 'gold: fish'\n"
    yield "yaml-list", "names: [tench, &a goldfish, *a]\n"


def datasets():
    yield (
        "boxes",
        "file,class,xmin,ymin,xmax,ymax\na.png,3,1,2,30,40\na.png,4,1.5,2,30,40\nb.png,3,,,,\n",
    )
    yield "quotes", '"a ""b"".png",3\r\n"c,d.png","7",1,1,2,2\r\n\r\n'
    yield "plain", "a.png,0"
    yield "heading", "filename;width;height;class;xmin;ymin;xmax;ymax\na\\b.png;64;48;x;1;2;3,5;4\n"
    yield "sizes", "class\timage\tleft\ttop\twidth\theight\n2.0\ta.png\t0.1\t.2\t.3\t.4\n"
    yield "blanks", "a.png  1 2 3  40 50\ra.png 1 5 5 5 5\r"
    yield "class-last", "a.png,1,2,30,40,cat\nb.png,,,,,\n"
    yield "utf-16", "file,class\r\na.png,1\r\n".encode("utf-16")
    coco = {
        "images": [
            {"id": 1, "file_name": "a.png", "width": 64, "height": 48},
            {"id": "b", "file_name": "b.png"},
            {"id": 3},
        ],
        "categories": [{"id": 5, "name": "2"}, {"id": 6, "name": "x"}],
        "annotations": [
            {"image_id": 1, "category_id": 5, "bbox": [1, 2, 3.5, 4]},
            {"image_id": "b", "category_id": 6, "bbox": [1, 2, 0, 4]},
            {"image_id": 9, "category_id": 6},
        ],
    }
    yield "coco", json.dumps(coco)
    coco["annotations"] = [{"image_id": 1, "category_id": 5, "bbox": [0.25, 0, 0.5, 1]}]
    yield "coco-shares", json.dumps(coco)


def results():
    head = "index,image,class,label,method,average_drop,energy_pointing\n"
    yield "one", head + "0,a.png,3,,grad-cam,1.5,nan\n"
    yield (
        "two",
        head
        + "".join(
            f"{i},{i}.png,{i},x,{method},{i}.25,\n"
            for i in range(3)
            for method in ("cam", "is-cam")
        ),
    )


def journals():
    one = "0,a.png,3,tench,grad-cam,1.5,nan\n0,a.png,3,tench,ss-cam-mean,2.5,\n"
    yield "image", one + "done,0,0\n"
    yield "unfinished", one + "done,1,2\n1,b.png,1,,grad-cam,1,"
    yield "empty", ""


def archive(*entries, comment=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.comment = comment
        for name, content in entries:
            file.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def file_kinds():
    """What is given as a network and is none; pickles of names that nothing needs to define."""
    old = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\x00."
    module = (
        b"\x80\x02cnet\nNet\nq\x00)\x81}X\x06\x00\x00\x00weightctorch.nn.modules.conv\nConv2d\n)."
    )
    state = [pickle.dumps(collections.OrderedDict(weight=1), protocol) for protocol in (2, 4)]
    checkpoint = pickle.dumps({"epoch": 3, "state_dict": {}}, 2)
    for name, content in {"module": module, "state-2": state[0], "checkpoint": checkpoint}.items():
        yield name, content
        yield f"{name}-old", old + content
        yield f"{name}-archive", archive(("net/data.pkl", content), ("net/data/0", "1234"))
    yield "state-4", state[1]
    yield "script", archive(("net/constants.pkl", ""), ("net/code/__torch__.py", ""))
    yield "program", archive(("net/models/model.json", "{}"), ("net/archive_version", "0"))
    yield "compiled", archive(("data/aotinductor/model/a.so", ""), comment=b"c" * 9)
    yield "keras", archive(("config.json", "{}"), ("model.weights.h5", ""))
    yield "arrays", archive(("a.npy", b""), ("b.npy", b""))
    yield "onnx", b"\x08\x07\x12\x07pytorch\x1a\x051.13.:"
    yield "saved-model", b"\x08\x01\x12\xd0\x80\x01\n\x10----------"
    yield "safetensors", struct.pack("<Q", 2) + b"{}" + bytes(8)
    yield "page", "<!DOCTYPE html><title>404</title>"
    yield "pointer", "version https://git-lfs.github.com/spec/v1\n"
    yield "openvino", '<?xml version="1.0"?><net name="n">'


def options():
    sets = [
        "",
        "samples=2\nsigma=0.5\n",
        "preset=authors-code\n",
        "preset=torch-cam\nsamples=3\n",
        "preset=pytorch-grad-cam\n",
        "score=probability\nchannel_softmax=off\n",
        "layer=stem,features\nfusion=mean\n",
        "aug_smooth=on\n",
        "eigen_smooth=on\n",
        "target=difference\ncontrast=1\n",
        "target=against\noutput=1\n",
        "mask_weights=gradient\nrescore=on\nsamples=2\n",
        "mask_weights=fc\nnoise_target=input\nnoise_scale=range\n",
        "noise_target=activation\ncombine=upsampled\n",
        "resize=8\ncrop=6\nmetrics=all\nmetric_steps=5\n",
        "crop=5x7\nmean=0.5\nstd=1\nresize=off\nmetrics=all\nmetric_steps=3\nmetric_mask=top50\n",
        "max_channels=2\nflat_channels=score\nbaseline=black\n",
        "seed=-9223372036854775808\nbatch_size=1\n",
    ]
    for i in range(max(METHODS, NETWORKS, len(sets)) * 2):
        # Every method, network and set at least once, each in more than one company.
        first = bytes(
            [i % METHODS, (i * 3 + i // NETWORKS) % NETWORKS, i * 37 % 256, i % 7 * (i % 2)]
        )
        yield f"{i:02}", first + sets[i % len(sets)].encode()


def main():
    root = Path(sys.argv[1])
    for target, seeds in {
        "png": pngs,
        "jpeg": jpegs,
        "bmp": bmps,
        "tiff": tiffs,
        "webp": webps,
        "npy": npys,
        "annotation": annotations,
        "labels": labels,
        "dataset": datasets,
        "merge": results,
        "journal": journals,
        "options": options,
        "file_kind": file_kinds,
    }.items():
        (root / target).mkdir(parents=True, exist_ok=True)
        for name, content in seeds():
            data = content.encode() if isinstance(content, str) else content
            (root / target / f"seed-{name}").write_bytes(data)


if __name__ == "__main__":
    main()
