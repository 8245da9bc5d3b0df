#!/bin/bash
# Enumerations that shaders have a copy of: each `const int NAME = N` there is an enumerator NAME or
# CGV_NAME of the same value here. (loss.h shows another way, which common.glsl cannot take: the
# compiled matrix kernels are kept with its checksum.)
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"
enums=(include/cgvideo/picture.h src/ops/types.h src/ops/graph.c src/ops/matrix_conv.c src/ops/pixel.c)
own=RUN # of one shader alone
awk -v own="^($own)\$" '
/(^|[ \t])enum [a-z_ ]*\{/ { in_enum = 1; next_value = 0 }
in_enum {
    line = $0
    sub(/\/\/.*/, "", line)
    sub(/.*\{/, "", line)
    closed = line ~ /\}/
    sub(/\}.*/, "", line)
    count = split(line, part, ",")
    for (i = 1; i <= count; i++)
        if (match(part[i], /[A-Z][A-Z0-9_]+/)) {
            name = substr(part[i], RSTART, RLENGTH)
            if (part[i] ~ /=/) {
                next_value = part[i]
                gsub(/[^0-9]*=[ ]*/, "", next_value)
            }
            sub(/^CGV_/, "", name)
            value[name] = next_value++ + 0
        }
    if (closed)
        in_enum = 0
    next
}
FILENAME ~ /^shaders/ && /^const int [A-Z0-9_]+ = [0-9]+;/ {
    name = $3
    found = $5 + 0
    if (name ~ own)
        next
    checked++
    if (!(name in value) || value[name] != found) {
        print FILENAME ": " name " is " found ", not " (name in value ? value[name] : "of any enumeration")
        wrong = 1
    }
}
END {
    if (checked < 40)
        print "only " checked + 0 " constants found"
    else if (!wrong)
        print checked " constants of shaders are those of their enumerations"
    exit wrong || checked < 40
}' "${enums[@]}" shaders/include/*.glsl shaders/*.comp
