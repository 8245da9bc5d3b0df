# What samples/run.sh and tests/run.sh share: packages, Mesa, the build. Sourced by bash, after
# `set -euo pipefail`. Everything it says goes to stderr: stdout belongs to the program.
# CGV_KEEP_MESA=1 keeps the installed Mesa.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build_packages=(build-essential cmake ninja-build pkg-config glslang-tools libvulkan-dev
    libvulkan-volk-dev mesa-vulkan-drivers libavcodec-dev libavdevice-dev libavfilter-dev libavformat-dev libavutil-dev
    libswscale-dev libzip-dev libjansson-dev libjpeg-dev libpng-dev libprotobuf-c-dev
    protobuf-c-compiler)
optional_packages=(libsdl2-dev) # for -preview

say() {
    echo "cgvideo: $*" >&2
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "this needs root, and there is no sudo: $*"
        return 1
    fi
}

# Only its errors are shown.
apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null
}

apt_update() {
    [ -n "${apt_updated-}" ] || apt update
    apt_updated=1
}

# The version of each installed package, one "name version" a line.
installed() {
    dpkg-query -W -f='${db:Status-Status} ${Package} ${Version}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p'
}

install_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "no dpkg here: please install what these Debian packages hold: $*"
        return
    fi
    local have missing=() package
    have=$(installed "$@" | cut -d' ' -f1) || true
    for package; do
        grep -qxF "$package" <<<"$have" || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    say "installing ${missing[*]}"
    apt_update
    apt install --no-install-recommends "${missing[@]}"
}

# Those that are missing, if apt can; the build does without. After update_mesa, with whose libraries
# those of bookworm do not go together.
install_optional() {
    local package stamp=$root/build/optional-missing
    [ -e "$stamp" ] || ! command -v dpkg-query >/dev/null && return
    for package; do
        [ -z "$(installed "$package")" ] || continue
        say "installing $package"
        apt_update
        apt install --no-install-recommends "$package" 2>/dev/null ||
            apt install --no-install-recommends "$package" libgbm-dev/bookworm-backports \
                libdrm-dev/bookworm-backports 2>/dev/null || {
            say "could not; going on without it (delete $stamp to try again)"
            mkdir -p "$root/build" && touch "$stamp"
        }
    done
}

# A device file of a graphics driver that is not one of the virtual ones.
hardware_vulkan() {
    local node
    for node in /dev/nvidiactl /dev/nvidia[0-9]*; do
        [ -e "$node" ] && return 0
    done
    for node in /dev/dri/renderD*; do
        [ -e "$node" ] || continue
        case $(basename "$(readlink -f "/sys/class/drm/$(basename "$node")/device/driver")") in
        vgem | vkms | virtio* | bochs* | cirrus* | simple* | vmwgfx | hyperv*) ;;
        *) return 0 ;;
        esac
    done
    return 1
}

# backports_source FILE...: read apt sources of both formats. Prints "configured" when one already
# has bookworm-backports; else the source that the machine's own one of Debian bookworm leads to.
backports_source() {
    awk '
    function finish(    good) {
        if (types ~ /(^|[ \t\n])deb([ \t\n]|$)/ && tolower(enabled) !~ /no|false|off/) {
            if (suites ~ /(^|[ \t\n])bookworm-backports([ \t\n]|$)/)
                configured = 1
            if (suites ~ /(^|[ \t\n])bookworm([ \t\n]|$)/ &&
                components ~ /(^|[ \t\n])main([ \t\n]|$)/) {
                # Other vendors name their suites alike; a mirror of Debian ends in /debian.
                good = addresses ~ /\/debian(\.list)?\/?([ \t\n]|$)/ ? 2 : 1
                if (good > best) {
                    best = good
                    source = "Types: deb\nURIs:" addresses "\nSuites: bookworm-backports\n" \
                             "Components: main\n" (signer ? "Signed-By:" signer "\n" : "")
                }
            }
        }
        types = suites = components = addresses = signer = enabled = field = ""
    }
    FNR == 1 { finish() }
    /^[ \t]*#/ { next }
    FILENAME ~ /\.list$/ {
        finish()
        if ($1 != "deb")
            next
        options = ""
        line = $0
        if (match(line, /\[[^]]*\]/)) {
            options = substr(line, RSTART + 1, RLENGTH - 2)
            line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
        }
        count = split(line, word)
        types = "deb"
        addresses = " " word[2]
        suites = word[3]
        for (i = 4; i <= count; i++)
            components = components " " word[i]
        if (match(options, /signed-by=[^ \t]+/)) {
            signer = " " substr(options, RSTART + 10, RLENGTH - 10)
            gsub(/,/, " ", signer)
        }
        next
    }
    /^[ \t]*$/ { finish(); next }
    {
        value = $0
        if ($0 !~ /^[ \t]/) {
            field = tolower($0)
            sub(/:.*/, "", field)
            sub(/^[^:]*:/, "", value)
        } else {
            value = "\n" value
        }
        if (field == "types") types = types value
        if (field == "uris") addresses = addresses value
        if (field == "suites") suites = suites value
        if (field == "components") components = components value
        if (field == "signed-by") signer = signer value
        if (field == "enabled") enabled = enabled value
    }
    END {
        finish()
        printf "%s", configured ? "configured" : source
    }' "$@"
}

add_backports() {
    local files=() file source
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
        /etc/apt/sources.list.d/*.sources; do
        [ -r "$file" ] && files+=("$file")
    done
    source=$(backports_source "${files[@]}")
    [ "$source" = configured ] && return 0
    [ -n "$source" ] || return 1
    as_root tee "$backports_file" >/dev/null <<<"$source"
    apt_updated=
}

# Only where nothing but the CPU can run Vulkan: bookworm's own Mesa 22.3 does it four times
# slower than the one of its backports.
backports_file=/etc/apt/sources.list.d/cgvideo-backports.sources
update_mesa() {
    local version stamp=$root/build/mesa-kept
    [ "${CGV_KEEP_MESA-}" = 1 ] || [ -e "$stamp" ] && return
    [ "$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME-}")" = bookworm ] || return 0
    command -v dpkg-query >/dev/null || return 0
    version=$(installed mesa-vulkan-drivers | cut -d' ' -f2)
    dpkg --compare-versions "${version:-0}" ge 25 && return
    hardware_vulkan && return
    say "no GPU here: taking Mesa's CPU driver from bookworm-backports, four times as fast" \
        "(CGV_KEEP_MESA=1 keeps the stock one)"
    if add_backports && apt_update && apt install -t bookworm-backports mesa-vulkan-drivers; then
        return
    fi
    say "could not; going on with Mesa ${version:-as it is} (delete $stamp to try again)"
    # A source that does not work would fail every later update.
    [ -e "$backports_file" ] && as_root rm -f "$backports_file"
    mkdir -p "$root/build" && touch "$stamp"
}

# configure PRESET [CMAKE ARGUMENT...]: once, and again when presets or arguments change. (Ninja
# itself sees changed CMakeLists.txt files.)
configure() {
    local preset=$1 folder=$root/build/$1
    shift
    if [ ! -e "$folder/build.ninja" ] || [ "$root/CMakePresets.json" -nt "$folder/build.ninja" ] ||
        [ "$*" != "$(cat "$folder/configured" 2>/dev/null)" ]; then
        (cd "$root" && cmake --preset "$preset" "$@") >&2
        echo "$*" >"$folder/configured"
    fi
}

# build PRESET [TARGET...]: silent when there is nothing to do.
build() {
    local folder=$root/build/$1
    shift
    ninja -C "$folder" "$@" |
        sed -u -e '/^ninja: /d' -e '/Re-checking globbed directories/d' >&2
}
