#!/bin/bash
# The window of -preview, with keys pressed in it, and a screen as a source.
. "$(dirname "$0")/lib.sh"
for tool in Xvfb xdotool import openbox; do
    command -v $tool >/dev/null || skip "no $tool here (packages xvfb, xdotool, imagemagick, openbox)"
done
make_input -f lavfi -i testsrc2=s=320x240:r=25:d=60 -c:v libx264 -preset ultrafast -pix_fmt yuv420p clip.mp4

exec 3>display # Xvfb picks a free number
exec 4<display
rm display
Xvfb -displayfd 3 -screen 0 800x600x24 >/dev/null 2>&1 & server=$!
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do
    number=$(tail -1 /proc/$$/fd/3 2>/dev/null || true)
    [ -n "$number" ] && break
    sleep 0.1
done
[ -n "${number-}" ] || skip "Xvfb does not start"
export DISPLAY=:$number SDL_RENDER_DRIVER=software
openbox >/dev/null 2>&1 & manager=$!

"$CGVIDEO" devices >/dev/null # so that kernels are there
has_window() { xdotool search --onlyvisible --name clip.mp4 >window 2>/dev/null; }
title() { xdotool getwindowname "$window" 2>/dev/null; }
key() { xdotool key --window "$window" "$1"; }
# until WHAT COMMAND…: it comes true within half a minute
until_true() {
    local what=$1
    shift
    for _ in $(seq 300); do
        "$@" && return 0
        sleep 0.1
    done
    fail "never: $what"
    return 0
}
title_is() { [ "$(title)" = "$1" ]; }
has_frames() { grep -q '^frame=[1-9]' progress.txt 2>/dev/null; }
start() { # OPTIONS…
    rm -f progress.txt
    "$CGVIDEO" -v error -m "$model" -progress progress.txt "$@" 2>err & child=$!
    until_true "a window" has_window
    window=$(tail -1 window)
    [ -n "$window" ] || kill $child # no key will end it
    until_true "a frame" has_frames
}
has_ended() { ! kill -0 $child 2>/dev/null; }
end_by() { # KEY, before whose release the window may be gone
    xdotool keydown --window "$window" "$1"
    until_true "an end by $1" has_ended
    xdotool keyup "$1"
}
ends_with() { # STATUS
    local status=0
    for _ in $(seq 1800); do # a key may have been lost
        has_ended && break
        sleep 0.1
    done
    has_ended || kill -9 $child
    wait $child || status=$?
    equal "exit status" "$1" $status
    equal "messages" "" "$(cat err)"
}
shot() { xdotool mousemove --window "$window" "${2-160}" 120; sleep 0.3; import -window "$window" "$1"; }
# Mean brightness in percent of columns X..X+20 of a picture
brightness() { convert "$1" -crop "20x200+$2+20" -colorspace Gray -format '%[fx:round(100*mean)]' info:; }
differ() { [ "$(compare -metric AE "$1" "$2" null: 2>&1 || true)" != 0 ]; }

# A network whose pictures are nothing like the input's.
"$CGV_MAKE_MODEL" resnet_2blocks 4 odd.safetensors
model=identity
start -i clip.mp4 -preview
key q
ends_with 0
grep -q '^latency_p95_ms=[1-9]' progress.txt || fail "no latency was measured"

model=odd.safetensors
start -i clip.mp4 -preview
sleep 1
shot one.png
differ one.png one.png && fail "pictures cannot be compared here"
shot two.png
differ one.png two.png || fail "the picture does not move"

key space
until_true "paused" title_is "clip.mp4 [paused]"
shot one.png
shot two.png
differ one.png two.png && fail "the picture moves though it is paused"

# The wipe follows the pointer; left of it is the input.
key c
until_true "compared" title_is "clip.mp4 [compare] [paused]"
shot wipe.png 200
shot narrow.png 60
for x in 10 100 250; do
    plain=$(brightness two.png $x) wide=$(brightness wipe.png $x) narrow=$(brightness narrow.png $x)
    case $x in
    10) [ "$wide" != "$plain" ] && [ "$narrow" = "$wide" ] || fail "column $x: $plain $wide $narrow" ;;
    100) [ "$wide" != "$plain" ] && [ "$narrow" = "$plain" ] || fail "column $x: $plain $wide $narrow" ;;
    250) [ "$wide" = "$plain" ] && [ "$narrow" = "$plain" ] || fail "column $x: $plain $wide $narrow" ;;
    esac
done
key c
until_true "not compared" title_is "clip.mp4 [paused]"
key space
until_true "going on" title_is clip.mp4

# Without strength it is the input.
for _ in $(seq 12); do key minus; done
until_true "no strength" title_is "clip.mp4 [strength 0.0]"
sleep 1
key c
until_true "compared" title_is "clip.mp4 [strength 0.0] [compare]"
key space
until_true "paused" title_is "clip.mp4 [strength 0.0] [compare] [paused]"
shot before.png 319
key c
until_true "not compared" title_is "clip.mp4 [strength 0.0] [paused]"
shot after.png 319
for x in 10 150 280; do
    equal "column $x without strength" "$(brightness before.png $x)" "$(brightness after.png $x)"
done
key plus
until_true "some strength" title_is "clip.mp4 [strength 0.1] [paused]"

key f
wide() { [ "$(xdotool getwindowgeometry --shell "$window" | grep -c -e '^WIDTH=800' -e '^HEIGHT=600')" = "$1" ]; }
until_true "full screen" wide 2
key f
until_true "a window again" wide 0
key q
ends_with 0

# Beside an output, which is whole: the window holds nobody up.
model=identity
start -i clip.mp4 -preview -y out.mkv
key space
ends_with 0
equal "frames beside a window" 1500 "$(frame_count out.mkv)"
make_input -i clip.mp4 -t 2 -c copy short.mp4
mv short.mp4 clip.mp4

# An output that waits for somebody to connect: the window is there, and is heard.
rm -f progress.txt
"$CGVIDEO" -v error -m identity -i clip.mp4 -preview -f mpegts \
    -o "tcp://127.0.0.1:$((20000 + $$ % 20000))?listen=1" 2>err & child=$!
until_true "a window while nobody connects" has_window
window=$(tail -1 window)
key c
until_true "an answer while nobody connects" title_is "clip.mp4 [compare]"
end_by q
has_ended || kill -9 $child
status=0
wait $child || status=$?
equal "exit status" 1 $status

# A picture stays until the window is closed.
start -i clip.mp4 -preview
sleep 4
kill -0 $child 2>/dev/null || fail "the window closes at the end of the file"
end_by Escape
ends_with 0

# A video that is to be shown turned is shown so, and so is what the wipe uncovers.
make_input -f lavfi -i color=red:s=160x120,pad=320:240:0:0:blue -f lavfi -i color=lime:s=160x120:d=1 \
    -filter_complex '[0][1]overlay=160:120' -t 1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p flat.mp4
make_input -display_rotation 90 -i flat.mp4 -c copy turned.mp4 2>/dev/null ||
    make_input -i flat.mp4 -c copy -metadata:s:v rotate=90 turned.mp4
ffmpeg -v error -nostdin -y -i turned.mp4 -frames:v 1 upright.png # turned by ffmpeg
mv turned.mp4 clip.mp4
colours() { # of the middles of a picture's four corners: 0 where a channel is dark, else 1
    for place in 60,80 180,80 60,240 180,240; do
        convert "$1" -format "%[fx:round(p{$place}.r)]%[fx:round(p{$place}.g)]%[fx:round(p{$place}.b)] " info:
    done
}
start -i clip.mp4 -preview
sleep 2
equal "size of a turned window" "WIDTH=240 HEIGHT=320" \
    "$(echo $(xdotool getwindowgeometry --shell "$window" | grep -e ^WIDTH -e ^HEIGHT))"
shot one.png 239
equal "a turned video" "$(colours upright.png)" "$(colours one.png)"
key c
until_true "compared" title_is "clip.mp4 [compare]"
shot one.png 239
equal "a turned video, compared" "$(colours upright.png)" "$(colours one.png)"
end_by q
ends_with 0
model=odd.safetensors
start -i clip.mp4 -preview
sleep 2
shot plain.png 120
key c
until_true "compared" title_is "clip.mp4 [compare]"
shot one.png 120
equal "left of the wipe" "$(colours upright.png | cut -d' ' -f1,3)" "$(colours one.png | cut -d' ' -f1,3)"
equal "right of the wipe" "$(convert plain.png -crop 100x320+130+0 rgb:- | md5sum)" \
    "$(convert one.png -crop 100x320+130+0 rgb:- | md5sum)"
differ plain.png one.png || fail "nothing is seen left of the wipe"
end_by q
ends_with 0
model=identity

# What the screen shows is a live source.
expect 0 "$CGVIDEO" -v error -m identity -f x11grab -video_size 320x240 -framerate 10 -i "$DISPLAY" -t 2 -progress x.txt \
    -preset ultrafast -y screen.mkv
equal "size of the screen" 320,240 "$(stream screen.mkv v:0 width,height)"
frames=$(frame_count screen.mkv)
[ "$frames" -ge 10 ] && [ "$frames" -le 21 ] || fail "$frames frames of the screen"
expect 0 "$CGVIDEO" -list_devices
grep -q "^source  x11grab" out.txt || fail "-list_devices does not list the screen: $(cat out.txt)"

# No screen.
kill $manager
expect 1 env DISPLAY=:9999 SDL_VIDEODRIVER=x11 "$CGVIDEO" -v error -m identity -i clip.mp4 -preview
says_one_line "-preview: no screen: "
expect 1 env -u DISPLAY -u WAYLAND_DISPLAY -u SDL_VIDEODRIVER timeout 20 "$CGVIDEO" -v error -m identity \
    -i clip.mp4 -preview
says "-preview: no screen: "
finish
