# What the scripts of bench/ share: packages, the program, the device. Sourced by bash, after
# `set -euo pipefail`. Nothing is done where everything is there. $CGVIDEO: the program (default:
# the release build, which is made or brought up to date).
. "$(dirname "${BASH_SOURCE[0]}")/../.ci/setup.sh"
export PYTHONDONTWRITEBYTECODE=1

# Prints the comment at the head of the script.
usage() {
    sed -n '2,/^[^#]/ s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

# prepare [make_model]: sets $cgvideo, and $make_model, which lies in the build of the program, else
# in the release build.
prepare() {
    local targets=()
    if [ -n "${CGVIDEO-}" ]; then
        cgvideo=$(realpath -e "$(command -v "$CGVIDEO" || echo "$CGVIDEO")")
    else
        cgvideo=$root/build/release/src/app/cgvideo
        targets+=(cgvideo_program)
    fi
    if [ "${1-}" = make_model ]; then
        make_model=$(dirname "$cgvideo")/../../tests/make_model
        if [ -z "${CGVIDEO-}" ] || [ ! -x "$make_model" ]; then
            make_model=$root/build/release/tests/make_model
            targets+=(make_model)
        fi
    fi
    [ ${#targets[@]} = 0 ] && return
    install_packages "${build_packages[@]}"
    update_mesa
    install_optional "${optional_packages[@]}"
    if [[ " ${targets[*]} " == *" make_model "* ]]; then
        install_packages libcunit1-dev
        # samples/run.sh configures without tests. What has them serves, however it was configured.
        grep -qs 'tests/make_model' "$root/build/release/build.ninja" || {
            rm -f "$root/build/release/configured" # CUnit may have been missing before
            configure release -DCGV_TESTS=ON # no other change: what is built stays
        }
    elif [ ! -e "$root/build/release/build.ninja" ]; then
        configure release -DCGV_TESTS=OFF
    fi
    build release "${targets[@]}"
}

# prepare_torch: sets $torch, a Python that has PyTorch: $CGV_TORCH, else Debian's.
prepare_torch() {
    torch=${CGV_TORCH:-/usr/bin/python3}
    "$torch" -c 'import torch' 2>/dev/null && return
    [ -n "${CGV_TORCH-}" ] || say "installing python3-torch, which takes minutes"
    # Its libraries need EGL, and bookworm's own does not go together with the Mesa of update_mesa.
    [ -n "${CGV_TORCH-}" ] || install_packages python3-torch 2>/dev/null ||
        apt install --no-install-recommends python3-torch libegl-mesa0/bookworm-backports || true
    "$torch" -c 'import torch' 2>/dev/null
}

# same_device [DEVICE]: sets $device to that one, else to the CPU, on which the peers run; and
# $device_name.
same_device() {
    device=${1-}
    [ -n "$device" ] || device=$("$cgvideo" devices | sed -n 's/^[* ] *\([0-9]*\)  *cpu .*/\1/p' | head -1)
    [ -n "$device" ] || {
        say "no Vulkan driver of the CPU here (Debian: mesa-vulkan-drivers); name a device with -gpu"
        return 1
    }
    device_name=$("$cgvideo" bench -v error -gpu "$device" -arch resnet_1blocks -ngf 1 -s 16x16 -n 1 -json |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["device"])')
}
