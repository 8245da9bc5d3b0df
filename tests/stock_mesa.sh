#!/bin/bash
# tests/stock_mesa.sh [CTEST ARGUMENT...]: what tests/run.sh does, on the CPU driver that Debian 12
# itself ships (Mesa 22.3.6, four times as slow), from a folder of its own: nothing is replaced.
# Without arguments: the unit and gpu tests that are not slow.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../.ci/setup.sh"
folder=$root/build/stock_mesa
[ $# -gt 0 ] || set -- -L 'unit|gpu' -LE slow
. /etc/os-release
[ "${VERSION_CODENAME-}" = bookworm ] || {
    say "this is not Debian 12"
    exit 77
}
if [ ! -e "$folder/lvp_icd.json" ]; then
    mkdir -p "$folder/download"
    apt_update
    (cd "$folder/download" && apt-get -qq download mesa-vulkan-drivers/bookworm >&2)
    dpkg -x "$folder"/download/*.deb "$folder"
    sed "s|\"library_path\": \"|\"library_path\": \"$folder|" \
        "$folder"/usr/share/vulkan/icd.d/lvp_icd.*.json >"$folder/lvp_icd.json"
fi
export VK_DRIVER_FILES=$folder/lvp_icd.json VK_ICD_FILENAMES=$folder/lvp_icd.json CGV_KEEP_MESA=1
exec "$root/tests/run.sh" "$@"
