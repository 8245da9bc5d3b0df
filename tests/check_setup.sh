#!/bin/bash
# The backports source that .ci/setup.sh derives from a machine's own apt sources.
set -euo pipefail
. "$(dirname "$0")/../.ci/setup.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0

# expect WANTED FILE...
expect() {
    local wanted=$1 got
    shift
    got=$(backports_source "$@")
    if [ "$got" != "$wanted" ]; then
        printf 'from %s:\n%s\nwanted:\n%s\n' "$*" "$got" "$wanted"
        failed=1
    fi
}

# Another vendor comes first, under Debian's suite name; comments and deb-src do not count.
cat >lines.list <<'END'
# deb http://mirror.invalid/debian bookworm-backports main
deb [arch=amd64 signed-by=/keys/vendor.gpg] https://vendor.invalid bookworm main
deb http://mirror.invalid/debian-security bookworm-security main
deb [signed-by=/keys/debian.gpg] http://mirror.invalid/debian bookworm main contrib
deb-src http://mirror.invalid/debian bookworm main
END
expect 'Types: deb
URIs: http://mirror.invalid/debian
Suites: bookworm-backports
Components: main
Signed-By: /keys/debian.gpg' lines.list

# A key within the stanza, and a mirror list.
cat >stanzas.sources <<'END'
Types: deb
URIs: http://mirror.invalid/debian-security
Suites: bookworm-security
Components: main

Types: deb deb-src
# a snapshot
URIs: mirror+file:/etc/apt/mirrors/debian.list
Suites: bookworm bookworm-updates
Components: main non-free-firmware
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
END
expect 'Types: deb
URIs: mirror+file:/etc/apt/mirrors/debian.list
Suites: bookworm-backports
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc' stanzas.sources

printf 'Types: deb\nURIs: http://m.invalid/debian\nSuites: bookworm-backports\nComponents: main' >on.sources
{ echo 'Enabled: no' && cat on.sources; } >off.sources
echo 'deb http://mirror.invalid/debian trixie main' >trixie.list
expect configured lines.list on.sources
expect configured on.sources lines.list
expect "$(backports_source lines.list)" off.sources lines.list
expect '' trixie.list off.sources
[ $failed = 0 ] && echo "backports sources are derived as they should be"
exit $failed
