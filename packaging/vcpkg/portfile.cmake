# An overlay port, which builds the tree that it lies in:
#   vcpkg install sscam --overlay-ports=/path/to/libsscam/packaging/vcpkg
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)

set(libtorch -Dlibtorch=disabled)
if("libtorch" IN_LIST FEATURES)
    set(libtorch -Dlibtorch=enabled "-Dtorch_prefix=${CURRENT_INSTALLED_DIR}")
endif()

vcpkg_configure_meson(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS ${libtorch} -Dtools=disabled -Dtests=disabled
)
vcpkg_install_meson()
vcpkg_fixup_pkgconfig()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/sscam)
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
