#!/bin/sh
# Fuzz the parsers: tests/fuzz/run.sh [SECONDS a target, default 120 [TARGET, default all]]
set -eu
cd "$(dirname "$0")/../.."
build=build/fuzz
all="pth safetensors onnx checkpoint config history journal packets cache picture programs"
cmake -G Ninja -B "$build" -S . -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCGV_SANITIZE=fuzzer-no-link,address,undefined -DCGV_FUZZ=ON
cmake --build "$build" --target make_seeds make_run_seeds $(printf 'fuzz_%s ' $all)
rm -rf "$build/seeds"
"$build/tests/fuzz/make_seeds" "$build/seeds"
"$build/tests/fuzz/make_run_seeds" "$build/seeds"
cp tests/fuzz/seeds_onnx/*.onnx "$build/seeds/onnx"
for name in ${2:-$all}; do
    mkdir -p "$build/corpus_$name"
    words=
    [ ! -f "tests/fuzz/$name.dict" ] || words="-dict=tests/fuzz/$name.dict"
    "$build/tests/fuzz/fuzz_$name" $words -rss_limit_mb=1024 -timeout=10 -max_total_time="${1:-120}" \
        -artifact_prefix="$build/" -use_value_profile=1 -print_final_stats=1 "$build/corpus_$name" "$build/seeds/$name"
done
