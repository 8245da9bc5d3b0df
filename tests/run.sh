#!/bin/bash
# tests/run.sh [--with BUILD,BUILD... | --all | --whole BUILD] [CTEST ARGUMENT...]: set up, build, test.
#     tests/run.sh                     the release build, all tests
#     tests/run.sh -L unit             only those with this label
#     tests/run.sh --with asan,clang   other builds first, each with its unit and gpu tests
#     tests/run.sh --whole asan        that build instead of the release build, all its tests (an hour)
# Builds: asan, tsan, clang, no-ffmpeg, as in CMakePresets.json.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../.ci/setup.sh"

builds= last=release
case ${1-} in
--with)
    builds=${2:?--with needs a list of builds}
    shift 2
    ;;
--whole)
    last=${2:?--whole needs a build}
    shift 2
    ;;
--all)
    builds=clang,no-ffmpeg,asan,tsan
    shift
    ;;
esac

test_packages=(libcunit1-dev ffmpeg vulkan-validationlayers spirv-tools xvfb xdotool openbox
    imagemagick)
[[ ,$builds,$last, == *,clang,* ]] && test_packages+=(clang)
[ -n "${CI-}" ] && test_packages+=(clang-format clang-tidy)
install_packages "${build_packages[@]}" "${test_packages[@]}"
update_mesa
install_optional "${optional_packages[@]}"

for preset in ${builds//,/ }; do
    say "build $preset"
    configure "$preset"
    build "$preset"
    ctest --test-dir "$root/build/$preset" --no-tests=error --output-on-failure -L 'unit|gpu' -LE slow
done
# samples/run.sh may have configured it otherwise.
configure "$last" -DCGV_TESTS=ON -DCGV_WERROR=ON
build "$last"
exec ctest --test-dir "$root/build/$last" --output-on-failure "$@"
