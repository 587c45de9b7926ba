# shellcheck shell=sh
# What quickstart and run-tests share: installing what is missing, configuring, building. Sourced,
# not run. Works without a network when everything is installed.

# Debian's own interpreter, whatever else is first on the PATH: it finds Debian's packages.
# shellcheck disable=SC2034 # used by the scripts that source this
debian_python=/usr/bin/python3

# shellcheck disable=SC2034 # used by the scripts that source this
build_packages="g++ meson ninja-build pkg-config libtorch-dev libopenblas-dev libpng-dev libjpeg-dev
    libtiff-dev libwebp-dev nlohmann-json3-dev libcairo2-dev libpango1.0-dev libxml2-dev
    libjansson-dev libyaml-dev fonts-dejavu-core"

say() {
    printf '== %s\n' "$*"
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

package_is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs those of the named Debian packages that are missing; without a network when none is.
install_packages() {
    missing=
    for package in "$@"; do
        package_is_installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "missing Debian packages, and no apt-get:$missing"
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            fail "no sudo; install these packages as root and try again:$missing"
        as_root=sudo
    fi
    say "installing:$missing"
    $as_root apt-get update -q || fail "apt-get update failed; still missing:$missing"
    # shellcheck disable=SC2086 # a list of words
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends $missing ||
        fail "apt-get could not install:$missing"
}

# build FOLDER [MESON OPTION...]: configures a new folder or a changed option, and builds.
build() {
    folder=$1
    shift
    if [ -f "$folder/build.ninja" ]; then
        meson configure "$folder" "$@" || fail "meson could not configure $folder"
    else
        say "configuring $folder"
        meson setup "$folder" "$@" || fail "meson could not configure $folder"
    fi
    say "building $folder (libtorch's headers are large: the first time takes minutes)"
    ninja -C "$folder" || fail "building $folder failed"
}
