#!/usr/bin/env bash
# -kernels: by rules, by name, by measuring; and that whoever goes on with a job or a training takes
# the kernels that it began with.
source "$(dirname "$0")/lib.sh"
: "${CGV_MAKE_MODEL:?the program that makes small models}"
"$CGV_MAKE_MODEL" resnet_1blocks 8 net.safetensors
make_input -f lavfi -i testsrc2=s=128x96:r=10:d=2 -c:v ffv1 in.mkv
make_input -i in.mkv -frames:v 1 in.png
cache() { export XDG_CACHE_HOME=$PWD/$1; mkdir -p "$1"; }
measured() { ls "$XDG_CACHE_HOME"/cgvideo/kernels-*.bin 2>/dev/null; }
bench() { expect 0 "$CGVIDEO" bench -v error -m net.safetensors -s 128x96 -n 1 -json "$@"; }
kernels() { grep -o '"kernel": ".[^"]*"' out.txt; }

# ---- bench

cache first
bench -kernels direct
[ "$(kernels | sort -u | grep -vc '"direct [1248]x[124]x[0-9]*"')" = 0 ] || fail "direct: $(kernels)"
bench -kernels winograd
equal "layers by Winograd" 2 "$(kernels | grep -c winograd)"
bench -kernels rules
kernels >rules
[ -z "$(measured)" ] || fail "measured without need"
bench
kernels >auto
[ -n "$(measured)" ] || fail "nothing was measured"
equal "convolutions" "$(wc -l <rules)" "$(wc -l <auto)"
sum=$(md5sum <"$(measured)")
bench -kernels auto
equal "kernels of another process" "$(cat auto)" "$(kernels)"
equal "what was measured" "$sum" "$(md5sum <"$(measured)")"
both=()
for _ in 1 2; do # at once, so both measure
    XDG_CACHE_HOME=$PWD/together "$CGVIDEO" bench -v error -m net.safetensors -s 128x96 -n 1 >/dev/null &
    both+=($!)
done
for one in "${both[@]}"; do wait "$one" || fail "two at once: exit status $?"; done
cache together
bench
equal "kernels" "$(wc -l <auto)" "$(kernels | wc -l)"
no_litter
expect 0 "$CGVIDEO" bench -v error -m net.safetensors -s 128x96 -n 1
grep -q 'kernel  *step' out.txt || fail "no column of kernels: $(cat out.txt)"

# Against the roofline: every layer, and together.
grep -q 'of roofline  bound by ' out.txt || fail "no column of the roofline: $(cat out.txt)"
layers=$(grep -c ' conv \| instance norm ' out.txt)
bounds=$(grep -Ec ' [0-9]+\.[0-9] %  (arithmetic|memory) ' out.txt)
equal "layers against the roofline" "$layers" "$bounds"
sed -nE 's/^roofline: ([0-9.]+) GFLOP.s in float32, ([0-9.]+) GB.s \(copying [0-9]+ MiB\); .* at ([0-9.]+) % of it$/\1 \2 \3/p' out.txt >rates
read -r arithmetic memory together <rates || fail "no rates: $(cat out.txt)"
between "arithmetic, GFLOP/s" 0.1 "$arithmetic" 1e7
between "memory, GB/s" 0.1 "$memory" 1e6
between "percent of the roofline" 0.01 "$together" 10000
bench -kernels rules
value() { sed -nE "s/^ *\"$1\": (.*[^,]),?\$/\1/p" out.txt; }
for key in peak_gflops bandwidth_gbytes bandwidth_copied_bytes; do
    between "$key" 0.1 "$(value $key)" 1e12
done
equal "layers in JSON" "$layers" "$(value bound_by | grep -c 'arithmetic\|memory')"
equal "layers' bytes in JSON" "$layers" "$(value least_bytes | grep -c '^[1-9]')"
# A layer's least time is that of its arithmetic or its memory; its share and that of all follow.
paste <(value ms) <(value gmac | tail -n +2) <(value least_bytes) <(value roofline_ms) \
    <(value of_roofline | tail -n +2) |
    awk -v flops="$(value peak_gflops)" -v bytes="$(value bandwidth_gbytes)" \
        -v together="$(value of_roofline | head -n 1)" '
    function far(a, b) { return a > 1.001 * b || b > 1.001 * a }
    { a = 2e3 * $2 / flops; m = 1e-6 * $3 / bytes; least = a > m ? a : m; ms += $1; sum += least }
    NF != 5 || far($4, least) || far($5, $4 / $1) { print "layer " NR ": " $0; wrong = 1 }
    END { exit wrong || far(together, sum / ms) }' || fail "roofline: $(cat out.txt)"
expect 2 "$CGVIDEO" bench -kernels fast
expect 0 "$CGVIDEO" bench -v error -train -arch resnet_1blocks -ngf 2 -ndf 2 -layers 1 -s 16x16 -n 1 -kernels rules
expect 0 "$CGVIDEO" bench -v error -frame -m net.safetensors -s 64x48 -n 1 -kernels winograd

# ---- the picture is the same, whatever makes it

for kernels in direct winograd; do
    expect 0 "$CGVIDEO" -v error -m net.safetensors -kernels $kernels -i in.png $kernels.png
done
far=$(ffmpeg -v error -i direct.png -i winograd.png -lavfi psnr=stats_file=- -f null - |
    sed -n 's/.*psnr_avg:\([a-z0-9]*\).*/\1/p')
[ "$far" = inf ] || [ "${far:-0}" -ge 60 ] || fail "winograd: $far dB from direct"
expect 2 "$CGVIDEO" -v error -kernels matrix -i in.png other.png
mkdir a b
cp in.png a/a.png
cp winograd.png b/b.png
expect 0 "$CGVIDEO" eval -v error -m net.safetensors -a a -b b -s 64x64 -limit 1 -kernels direct -o evaluated

# ---- a job in segments

job=("$CGVIDEO" -v error -m net.safetensors -i in.mkv -c:v ffv1 -segment_time 0.5 -resume)
cache first
expect 0 "${job[@]}" whole.mkv
CGV_FAULT=encode@13 expect 1 "${job[@]}" left.mkv
grep -q '"conv [^"]*": "\(direct\|winograd\)' left.mkv.segments/journal.json ||
    fail "no kernels in the journal: $(cat left.mkv.segments/journal.json)"
cache elsewhere
expect 0 "${job[@]}" left.mkv
[ -z "$(measured)" ] || fail "a job that goes on measures"
equal "frames" "$(frames_md5 whole.mkv | md5sum)" "$(frames_md5 left.mkv | md5sum)"
CGV_FAULT=encode@13 expect 1 "${job[@]}" torn.mkv
sed -i 's/"direct [0-9]x[0-9]x[0-9]*"/7/' torn.mkv.segments/journal.json
expect 1 "${job[@]}" torn.mkv
says_one_line "torn.mkv: the kernel of 'conv .*' is no name"

# ---- training

train() { "$CGVIDEO" train -v error -a a -b b -arch resnet_1blocks -ngf 16 -ndf 4 -layers 1 \
    -crop 64x64 -pool 0 -log_every 1 "$@"; }
cache training
expect 0 train -steps 4 -save_every 2 -keep 9 -kernels rules -o plain
expect 0 train -steps 4 -save_every 2 -keep 9 -o measured
cmp -s plain/G_AB.safetensors measured/G_AB.safetensors || fail "the bytes of a training depend on tiles"
grep -q '"conv .*exact.*": "direct' measured/config.json || fail "no kernels: $(cat measured/config.json)"
! grep '": "direct' plain/config.json || fail "rules measure"
rm measured/checkpoints/*4.safetensors
cp measured/config.json config.json
cache nowhere
expect 0 "$CGVIDEO" train -v error -resume measured
[ -z "$(measured)" ] || fail "a training that goes on measures"
equal "config.json" "$(cat config.json)" "$(cat measured/config.json)"
cmp -s plain/G_AB.safetensors measured/G_AB.safetensors || fail "resumed: another G_AB"
expect 2 train -steps 1 -kernels winograd -o winograd

finish
