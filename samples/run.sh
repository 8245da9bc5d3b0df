#!/bin/bash
# samples/run.sh ARGUMENTS...: install what is missing, build, run cgvideo with the arguments.
#     samples/run.sh -m MODEL -i day.mp4 -o night.mp4
#     samples/run.sh -version               only set up and build
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../.ci/setup.sh"

install_packages "${build_packages[@]}"
update_mesa
install_optional "${optional_packages[@]}"
# A folder that tests/run.sh configured serves as well.
[ -e "$root/build/release/build.ninja" ] || configure release -DCGV_TESTS=OFF
build release cgvideo_program
exec "$root/build/release/src/app/cgvideo" "$@"
