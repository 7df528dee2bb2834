#!/bin/sh
# Every kernel that the library would take on a GPU compiles for GPUs that nobody here has, and keeps
# its values in registers.
#
# tests/gpu/kernels asks the library for sources, options and kernels.  clang with libclc makes PTX of
# them all, and, by turns, or with MOTLEY_TEST_ALL for each, ptxas of the CUDA toolkit, where it is, code for
# sm_80 and sm_90, and clang code for AMD's gfx90a and gfx1030.  What these report is printed as one table:
# registers (vector ones for AMD), bytes of local memory (arguments of that kind not counted), of private
# memory, and of spills (registers for AMD).  A spill is a failure where a GPU would use the kernel (use
# "gpu", or "nvidia" where there is PTX in it); kernels for CPUs ("cpu") must compile only, which goes without
# much optimizing.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
slow

CLANG=${CLANG:-clang-15}
CLC=${CLC:-/usr/lib/clc}
command -v "$CLANG" >/dev/null || skip "$CLANG is not installed"
for library in nvptx64--nvidiacl amdgcn--amdhsa; do
    [ -f "$CLC/$library.bc" ] || skip "libclc is not installed ($CLC/$library.bc)"
done
PTXAS=$(command -v ptxas || echo /usr/local/cuda/bin/ptxas)
[ -x "$PTXAS" ] || PTXAS=

# compile TRIPLE SOURCE OUT OPTIONS...
compile()
{
    triple=$1 text=$2 out=$3
    shift 3
    "$CLANG" -target "$triple" -x cl -Xclang -fdeclare-opencl-builtins \
        -Xclang -finclude-default-header -Xclang -cl-ext=+cl_khr_fp16 \
        -Xclang -mlink-bitcode-file -Xclang "$CLC/$triple.bc" "$@" -S "$text" -o "$out"
}

# Rows of a table: KERNEL TARGET REGISTERS LOCAL PRIVATE SPILLS.
from_ptxas()
{
    awk -v target="$1" '
        /Compiling entry function/ { split($0, part, "\047"); name = part[2] }
        /spill stores/ { private = $1; spills = $5 + $9 }
        /: Used/ {
            registers = $5; shared = 0
            for (i = 1; i < NF; i++) if ($(i + 2) ~ /^smem/) shared = $i
            print name, target, registers, shared, private, spills
        }'
}
from_amd()
{
    awk -v target="$1" '
        function finish() { if (name != "") print name, target, v, shared, private, spills; name = "" }
        /^[ \t]*\.amdgpu_metadata/ { inside = 1 }
        /^[ \t]*\.end_amdgpu_metadata/ { inside = 0; finish() }
        !inside { next }
        /^  - \./ { finish(); v = shared = private = spills = 0; sub(/- /, "  ") }
        /^    \.name:/ { name = $2 }
        /^    \.vgpr_count:/ { v = $2 }
        /^    \.group_segment_fixed_size:/ { shared = $2 }
        /^    \.private_segment_fixed_size:/ { private = $2 }
        /^    \.[sv]gpr_spill_count:/ { spills += $2 }'
}

# targets_of NUMBER USE: all, or the one whose turn it is for a file of this number.
targets_of()
{
    targets="${PTXAS:+sm_80 sm_90}"
    [ "$2" = nvidia ] || targets="$targets gfx90a gfx1030"
    # shellcheck disable=SC2086
    set -- "$1" $targets
    number=$1
    shift
    if [ -z "${MOTLEY_TEST_ALL-}" ] && [ "$number" != all ] && [ $# -gt 0 ]; then
        shift $((number % $#))
        set -- "$1"
    fi
    echo "$@"
}

# level_of USE: how the compiler optimizes.  What readies large kernels of PTX text for its back end goes over
# them again and again, a second each, and changes nothing in them.
level_of()
{
    case $1 in
    cpu) echo -O1 ;;
    nvidia) echo -O3 -mllvm -disable-cgp ;;
    *) echo -O3 ;;
    esac
}

# build TARGETS SOURCE STEM OPTIONS...: rows of the targets in STEM.rows; false, with STEM.err, on an error.
build()
{
    targets=$1 source=$2 stem=$3
    shift 3
    : >"$stem.rows"
    {
        compile nvptx64--nvidiacl "$source" "$stem.ptx" -Xclang -target-cpu \
            -Xclang sm_80 -Xclang -target-feature -Xclang +ptx75 "$@" || return 1
        if grep '^\.extern \.func' "$stem.ptx"; then
            echo "a function that nobody has"
            return 1
        fi
        for target in $targets; do
            case $target in
            sm_*)
                "$PTXAS" -v -arch="$target" "$stem.ptx" -o /dev/null >"$stem.log" 2>&1 ||
                    { cat "$stem.log"; return 1; }
                from_ptxas "$target" <"$stem.log" >>"$stem.rows" ;;
            *)
                compile amdgcn--amdhsa "$source" "$stem.$target" -nogpulib -mcpu="$target" "$@" || return 1
                from_amd "$target" <"$stem.$target" >>"$stem.rows" ;;
            esac
        done
    } >"$stem.err" 2>&1
}

# That spills and errors are seen at all.
watch_itself()
{
    cat >"$tmp/spill.cl" <<'END'
__attribute__((reqd_work_group_size(1024, 1, 1)))
__kernel void spill(__global float16 *x)
{
    float16 v[18];
#pragma unroll
    for (int i = 0; i < 18; i++)
        v[i] = x[i * 256 + get_local_id(0)];
    barrier(CLK_GLOBAL_MEM_FENCE);
#pragma unroll
    for (int i = 0; i < 18; i++)
        x[i * 256 + get_local_id(0)] = v[17 - i];
}
END
    expect "a kernel that spills compiles" build "$(targets_of all gpu)" "$tmp/spill.cl" "$tmp/spill" -O3
    expect_equal "its targets" "$(wc -l <"$tmp/spill.rows")" "$(targets_of all gpu | wc -w)"
    expect "spills are seen" awk '$6 == 0 { bad = 1 } END { exit bad }' "$tmp/spill.rows"
    echo '__kernel void wrong(__global float *x) { x[0] = nobody(1); }' >"$tmp/wrong.cl"
    n_checks=$((n_checks + 1))
    ! build "$(targets_of all gpu)" "$tmp/wrong.cl" "$tmp/wrong" -O3 || fail "an unknown function is not seen"
}

[ -n "$PTXAS" ] || note "no ptxas: NVIDIA's code is compiled to PTX only"
watch_itself
mkdir "$tmp/k"
expect "the library names its kernels" "$HELPERS/gpu/kernels" "$tmp/k"

cd "$tmp/k" || exit 99
sort -nu -k1,1 kernels.list >programs
while read -r number name kernel use options; do
    # What an option defines, no source defines again: without -w that would be seen.
    options="${options%% -w*} -Wno-everything -Werror=macro-redefined${options#* -w}"
    # shellcheck disable=SC2046,SC2086
    build "$(targets_of "$number" "$use")" "$number.cl" "$number" $(level_of "$use") $options || fail "$name $options: $(head -20 "$number.err")"
    n_checks=$((n_checks + 1))
done <programs

# What every replica computes for itself must not be fused: this compiler would, as NVIDIA's does.
for ptx in *.ptx; do
    awk '/\.entry/ { name = $0; sub(/.*\.entry /, "", name); sub(/\(.*/, "", name); n[name] = 0 }
        /fma\.rn/ { n[name]++ } END { for (name in n) print name, n[name] }' "$ptx"
done >fused
grep -E '^((sgd|adam|adagrad|rmsprop|lion|lamb|average|accumulate|unscale)_|clip_norm_(blocks|lanes|finish)|batch_norm_update )' \
    fused >exact
expect_number "kernels of updates" "$(wc -l <exact) >= 20"
n_checks=$((n_checks + 1))
awk '$2 > 0 { print "FAIL: " $1 " fuses " $2 " operations"; bad = 1 } END { exit bad }' exact ||
    failed=$((failed + 1))
expect "that operations are fused is seen" awk '$2 > 0 { seen = 1 } END { exit !seen }' fused

# Join what was asked with what came out; a kernel that came out without being asked for is no matter.
: >table
while read -r number name kernel use options; do
    expected=$(targets_of "$number" "$use" | wc -w)
    awk -v kernel="$kernel" -v use="$use" -v options="${options#-cl-std=CL1.2 -w}" \
        -v expected="$expected" '$1 == kernel { print $0, use, options; n++ } END { exit n != expected }' \
        "$number.rows" >>table || fail "$name/$kernel: rows are missing"
    n_checks=$((n_checks + 1))
done <kernels.list
{
    echo "kernel target registers local private spills use options"
    cat table
} | awk '{ o = ""; for (i = 8; i <= NF; i++) o = o " " $i
    printf "%-22s %-6s %-8s %9s %6s %7s %6s %s\n", $1, $7, $2, $3, $4, $5, $6, o }'
n_checks=$((n_checks + 1))
awk '$6 > 0 && $7 != "cpu" { print "FAIL: " $1 " spills on " $2 ": " $6; bad = 1 } END { exit bad }' table ||
    failed=$((failed + 1))
finish
