"""A Conan 2 recipe: `conan create packaging/conan`.

Conan Center has no libtorch, so the option `libtorch` takes the folder of one that is already
there; empty, the library explains networks in engines of the host alone.
"""

from pathlib import Path

from conan import ConanFile
from conan.tools.files import copy
from conan.tools.gnu import PkgConfigDeps
from conan.tools.layout import basic_layout
from conan.tools.meson import Meson, MesonToolchain


class SscamConan(ConanFile):
    name = "sscam"
    version = "1.0.0"
    license = "MIT"
    description = "Class activation maps of neural networks, behind one C interface"
    topics = ("explainability", "grad-cam", "computer-vision")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "libtorch": ["ANY"]}  # noqa: RUF012 (Conan's form)
    default_options = {"shared": True, "libtorch": ""}  # noqa: RUF012

    def layout(self):
        basic_layout(self)

    def export_sources(self):
        project = Path(self.recipe_folder).parents[1]
        copy(self, "*", project, self.export_sources_folder, excludes=("build*", ".git*"))

    def requirements(self):
        for package in (
            "openblas/[>=0.3.20]",
            "libpng/[>=1.6]",
            "libjpeg-turbo/[>=2.1]",
            "libtiff/[>=4.5]",
            "libwebp/[>=1.2]",
        ):
            self.requires(package)
        if self.options.libtorch:
            self.requires("nlohmann_json/[>=3.11]")

    def build_requirements(self):
        self.tool_requires("meson/[>=1.0]")
        if not self.conf.get("tools.gnu:pkg_config", check_type=str):
            self.tool_requires("pkgconf/[>=2.0]")

    def generate(self):
        PkgConfigDeps(self).generate()
        toolchain = MesonToolchain(self)
        options = toolchain.project_options
        options["libtorch"] = "enabled" if self.options.libtorch else "disabled"
        options["torch_prefix"] = str(self.options.libtorch)
        options["tools"] = "disabled"
        options["tests"] = "disabled"
        options["default_library"] = "shared" if self.options.shared else "static"
        toolchain.generate()

    def build(self):
        meson = Meson(self)
        meson.configure()
        meson.build()

    def package(self):
        Meson(self).install()
        copy(self, "LICENSE", self.source_folder, Path(self.package_folder) / "licenses")

    def package_info(self):
        self.cpp_info.libs = ["sscam"]
        self.cpp_info.set_property("pkg_config_name", "sscam")
        self.cpp_info.set_property("cmake_file_name", "sscam")
        self.cpp_info.set_property("cmake_target_name", "sscam::sscam")
