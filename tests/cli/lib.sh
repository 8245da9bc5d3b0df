# What the tests of the program share. Each sources this file; $CGVIDEO is the program.
set -euo pipefail
: "${CGVIDEO:?the program to test}"

skip() {
    echo "SKIPPED: $*"
    exit 77
}

command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || skip "no ffmpeg here"
"$CGVIDEO" devices >/dev/null 2>&1 || {
    [ -z "${CGV_REQUIRE_DEVICE-}" ] || {
        echo "FAILED: no usable Vulkan device"
        exit 1
    }
    skip "no usable Vulkan device"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

finish() {
    [ "$failures" = 0 ] || {
        echo "$failures failures"
        exit 1
    }
}

# equal WHAT EXPECTED ACTUAL
equal() {
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

between() { # WHAT LEAST VALUE MOST
    awk -v v="$3" -v a="$2" -v b="$4" 'BEGIN { exit !(v != "" && v >= a && v <= b) }' ||
        fail "$1: $3 is not from $2 to $4"
}

# expect STATUS COMMAND…: runs it, its messages in ./err; complains unless it exits with STATUS.
expect() {
    local wanted=$1 status=0
    shift
    "$@" </dev/null >out.txt 2>err || status=$?
    [ "$status" = "$wanted" ] || {
        fail "exit status $status, not $wanted: $*"
        sed 's/^/  /' err
    }
}

says() {
    grep -q -- "$1" err || {
        fail "no message like '$1':"
        sed 's/^/  /' err
    }
}

# The one message is an error of one line.
says_one_line() {
    says "$1"
    [ "$(wc -l <err)" = 1 ] || {
        fail "more than one line:"
        sed 's/^/  /' err
    }
}

no_file() {
    [ ! -e "$1" ] || fail "$1 exists"
}

no_litter() {
    local left
    left=$(find . -name '*.part')
    [ -z "$left" ] || fail "left behind: $left"
}

# Not grep -q, which ends at the first match and leaves ffmpeg with a broken pipe.
has_encoder() { ffmpeg -v quiet -encoders | grep " $1 " >/dev/null; }
has_filter() { ffmpeg -v quiet -filters | grep " $1 " >/dev/null; }
make_input() { ffmpeg -v error -nostdin -y "$@"; }
translate() { expect 0 "$CGVIDEO" -v error -m identity -y "$@"; }

# Of the first video stream, one line a frame.
frame_times() { ffprobe -v quiet -select_streams v:0 -show_entries frame=pts_time -of csv=p=0 "$1" |
    sed 's/,.*//' | grep -v '^$' || true; }
frame_count() { frame_times "$1" | wc -l; }
# stream FILE SELECT ENTRIES
stream() { ffprobe -v error -select_streams "$2" -show_entries "stream=$3" -of csv=p=0 "$1" |
    sed -n '1 { s/,$//; p }'; }
packets_md5() { ffprobe -v error -select_streams "$2" -show_data_hash md5 \
    -show_entries packet=data_hash -of csv=p=0 "$1" | sed 's/,$//' | md5sum; }
# Of the first video stream, one checksum a frame.
frames_md5() { ffmpeg -v error -nostdin -i "$1" -map v:0 -f framemd5 -fps_mode passthrough - |
    grep -v '^#' | awk '{ print $NF }'; }

# Largest difference of two files' samples, in codes of 8 bits; both have the same format.
largest_difference() {
    ffmpeg -v error -nostdin -y -i "$1" -f rawvideo one.raw
    ffmpeg -v error -nostdin -y -i "$2" -f rawvideo two.raw
    [ -s one.raw ] && [ "$(stat -c %s one.raw)" = "$(stat -c %s two.raw)" ] || fail "sizes of $1 and $2"
    { cmp -l one.raw two.raw || true; } | awk 'function value(o) { return 64 * int(o / 100) + 8 * int(o / 10 % 10) + o % 10 }
        { d = value($2) - value($3); d = d < 0 ? -d : d; most = d > most ? d : most } END { print most + 0 }'
}
