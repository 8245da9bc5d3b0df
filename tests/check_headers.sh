#!/bin/bash
# check_headers.sh CC [CXX]: every public header compiles alone, as C11 and as C++.
set -euo pipefail
cd "$(dirname "$0")/.."
for header in include/cgvideo/*.h; do
    name=${header#include/}
    echo "$name"
    echo "#include <$name>" | "$1" -std=c11 -pedantic -Wall -Wextra -Werror -fsyntax-only -Iinclude -x c -
    [ -z "${2-}" ] ||
        echo "#include <$name>" | "$2" -std=c++11 -pedantic -Wall -Wextra -Werror -fsyntax-only -Iinclude -x c++ -
done
