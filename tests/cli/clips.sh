#!/bin/bash
# Real clips with edit lists and uneven ends: identity keeps frames, times, durations and sound.
. "$(dirname "$0")/lib.sh"
clips=$CGV_SOURCE_DIR/../shared/data/clips
[ -d "$clips" ] || skip "$clips is absent"
for clip in day_countryroad day_desert day_highway day_street night_highway; do
    in=$clips/$clip.mp4
    translate -i "$in" -preset ultrafast out.mp4
    [ "$(frame_count "$in")" -gt 200 ] || fail "$clip: cannot be read"
    equal "$clip: frame times" "$(frame_times "$in" | md5sum)" "$(frame_times out.mp4 | md5sum)"
    equal "$clip: frame count" "$(frame_count "$in")" "$(frame_count out.mp4)"
    equal "$clip: video duration" "$(stream "$in" v duration)" "$(stream out.mp4 v duration)"
    equal "$clip: audio duration" "$(stream "$in" a duration)" "$(stream out.mp4 a duration)"
    equal "$clip: audio packets" "$(packets_md5 "$in" a)" "$(packets_md5 out.mp4 a)"
    equal "$clip: colours" "$(stream "$in" v color_range,color_space,color_transfer)" \
        "$(stream out.mp4 v color_range,color_space,color_transfer)"
done
no_litter
finish
