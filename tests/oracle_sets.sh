#!/usr/bin/env bash
# The trainer against an independent PyTorch reference, on the small games of oracle_sets.txt:
#   tests/oracle_sets.sh ORACLE.py [-double | -torch VARIANT] [NAME…]       names as in the table, globs too
# Makes what is missing under $ORACLE_SETS (default build/oracle_sets; needs python3-torch), runs
# test_oracle of $BUILD (default build/release) on each, and counts. -double: in double precision
# at once. -torch: PyTorch instead of test_oracle, against its own trace (bench/peers/torch_trace.py).
set -euo pipefail
shopt -s extglob
top=$(cd "$(dirname "$0")/.." && pwd)
[ $# -ge 1 ] && [ -f "$1" ] || {
    sed -n '2,6s/^# //p' "$0" >&2
    exit 2
}
oracle=$(realpath "$1") torch='' double=()
shift
if [ "${1:-}" = -double ]; then
    double=(-double)
    shift
fi
if [ "${1:-}" = -torch ]; then
    torch=${2:?a variant}
    shift 2
fi
names=("${@:-*}")
sets=${ORACLE_SETS:-$top/build/oracle_sets}
test=${BUILD:-$top/build/release}/tests/test_oracle
mkdir -p "$sets"

wanted() {
    local pattern
    for pattern in "${names[@]}"; do
        # shellcheck disable=SC2053 # a glob on purpose
        [[ $1 == $pattern ]] && return
    done
    return 1
}

# One thread: the reference's sums then have one order.
reference() {
    ORACLE_THREADS=1 /usr/bin/python3 "$oracle" "$@" >/dev/null
}

make_set() {
    local dir=$sets/$1
    [ -f "$dir/spread.json" ] && return
    reference init "$dir" --ngf "$2" --blocks "$3" --ndf "$4" --layers "$5" --seed "$6" ${14:-}
    reference trace "$dir" --size "$7" --steps "$8" --batch "$9" --gan "${10}" --idt "${11}" \
        --lam "${12}" --lr "${13}" --seed $(($6 + 1000))
}

check() {
    if [ "$torch" ]; then
        /usr/bin/python3 "$top/bench/peers/torch_trace.py" "$oracle" "$torch" "$1"
    else
        "$test" "${double[@]}" "$1"
    fi
}

passed=0 parted=() failed=()
while read -r name arguments; do
    [[ $name == \#* ]] || ! wanted "$name" && continue
    read -ra arguments <<<"$arguments"
    make_set "$name" "${arguments[@]}"
    if check "$sets/$name" >"$sets/$name.log" 2>&1; then
        passed=$((passed + 1))
        ! grep -q "parted the trajectories" "$sets/$name.log" || parted+=("$name")
    else
        failed+=("$name")
        echo "$name: $(grep -m 1 FAILED "$sets/$name.log" || tail -n 1 "$sets/$name.log")"
    fi
done <"$top/tests/oracle_sets.txt"
echo "$passed passed, ${#parted[@]} of them in double precision only: ${parted[*]}"
echo "${#failed[@]} failed: ${failed[*]}"
[ "$passed" -gt 0 ] && [ ${#failed[@]} = 0 ]
