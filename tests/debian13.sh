#!/bin/bash
# tests/debian13.sh [CTEST ARGUMENT...]: what tests/run.sh does, in a Debian 13 of its own. The first
# run makes it in build/debian13, or the folder that CGV_DEBIAN13 names, from the mirror of Debian
# that this machine's apt uses. It needs root, and builds in a copy of the tree.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../.ci/setup.sh"
system=${CGV_DEBIAN13:-$root/build/debian13}
copy=$system/src/cgvideo

# The address of Debian itself; neither of its security updates nor of other vendors.
mirror() {
    apt-get indextargets --format '$(SITE) $(CODENAME) $(COMPONENT)' |
        awk -v name="$(. /etc/os-release && echo "$VERSION_CODENAME")" \
            '$2 == name && $3 == "main" { sub(/\/$/, "", $1) } $1 ~ /\/debian$/ && $2 == name { print $1; exit }'
}

if [ ! -e "$system/made" ]; then
    install_packages debootstrap
    from=$(mirror)
    [ -n "$from" ] || {
        say "no mirror of Debian in the sources of apt"
        exit 1
    }
    say "making a Debian 13 in $system"
    as_root debootstrap --variant=minbase --include=ca-certificates trixie "$system" "$from" >&2
    apt-config dump Acquire | { grep -i proxy || true; } |
        as_root tee "$system/etc/apt/apt.conf.d/proxy" >/dev/null
    as_root touch "$system/made"
fi

# Times are kept, so that only what has changed is built again.
as_root mkdir -p "$copy" "$system/src/shared"
as_root find "$copy" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
tar -C "$root" --exclude='./build*' --exclude='./out*' --exclude=./.git -c . | as_root tar -C "$copy" -x
as_root cp -L /etc/resolv.conf "$system/etc/resolv.conf"

# In a namespace of its own, so that no mount is left behind.
# shellcheck disable=SC2016 # expanded in there
exec_there='
    system=$1 shared=$2
    shift 2
    mount -t proc proc "$system/proc"
    mount -t sysfs -o ro sysfs "$system/sys"
    mount --rbind /dev "$system/dev"
    [ ! -d "$shared" ] || mount --bind -o ro "$shared" "$system/src/shared"
    exec chroot "$system" env -i HOME=/root TERM="${TERM-}" LANG=C.UTF-8 \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin /src/cgvideo/tests/run.sh "$@"'
as_root unshare --mount bash -euc "$exec_there" bash "$system" "$root/../shared" "$@"
