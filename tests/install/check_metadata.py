#!/usr/bin/env python3
"""The descriptions of packages name one release and everything that a build needs.

check_metadata.py PROJECT
"""

import re
import sys
from pathlib import Path

# What Debian's build-essential and meson bring.
IMPLIED = {"g++", "ninja-build"}


def release_of(path: Path, pattern: str) -> str:
    found = re.search(pattern, path.read_text(), re.MULTILINE)
    assert found, f"{path.name} names no release"
    return found[1]


def check_releases(project: Path) -> None:
    releases = {
        name: release_of(project / name, pattern)
        for name, pattern in {
            "meson.build": r"^  version: '(.*)'",
            "pyproject.toml": r'^version = "(.*)"',
            "debian/changelog": r"^sscam \((.*)\)",
            "packaging/conan/conanfile.py": r'^    version = "(.*)"',
            "packaging/vcpkg/vcpkg.json": r'^  "version": "(.*)"',
        }.items()
    }
    assert len(set(releases.values())) == 1, releases


def check_build_packages(project: Path) -> None:
    listed = release_of(project / "scripts/prepare.sh", r'^build_packages="([^"]*)"').split()
    control = (project / "debian/control").read_text()
    depends = re.search(r"^Build-Depends:((?:\n .*)+)", control, re.MULTILINE)
    assert depends, "debian/control has no Build-Depends"
    named = {line.split()[0].rstrip(",") for line in depends[1].splitlines() if line.strip()}
    missing = set(listed) - named - IMPLIED
    assert not missing, f"debian/control lacks the build packages {sorted(missing)}"


def check_recipe_options(project: Path) -> None:
    """The options that recipes set are options of the build."""
    declared = re.findall(r"^option\('(\w+)'", (project / "meson_options.txt").read_text(), re.M)
    known = {*declared, "default_library", "buildtype"}
    conan = (project / "packaging/conan/conanfile.py").read_text()
    port = (project / "packaging/vcpkg/portfile.cmake").read_text()
    superbuild = (project / "examples/superbuild/CMakeLists.txt").read_text()
    used = set(re.findall(r'options\["(\w+)"\]', conan))
    used.update(re.findall(r"-D(\w+)=", port), re.findall(r" -D(\w+)=", superbuild))
    unknown = used - known - {"SSCAM_LIBTORCH"}
    assert used and not unknown, f"no such options of the build: {sorted(unknown)}"


def check_container_packages(project: Path) -> None:
    """The CUDA image, whose torch is PyPI's, installs all other libraries of the build."""
    listed = release_of(project / "scripts/prepare.sh", r'^build_packages="([^"]*)"').split()
    image = (project / "packaging/docker/Dockerfile.cuda").read_text().split()
    from_pip = {"libtorch-dev", "meson", "ninja-build"}
    missing = set(listed) - set(image) - from_pip
    assert not missing, f"Dockerfile.cuda lacks {sorted(missing)}"


if __name__ == "__main__":
    check_releases(Path(sys.argv[1]))
    check_build_packages(Path(sys.argv[1]))
    check_recipe_options(Path(sys.argv[1]))
    check_container_packages(Path(sys.argv[1]))
