#!/bin/sh
# floors.sh [TREE]: the rules of the house that a machine can check (DESIGN: "The floors").
#
#   - an #include stays in its folder or goes down a floor, and is written from the root;
#   - runtime/graph, model, comm and plan know nothing of devices/;
#   - only devices/ (and tests/) includes OpenCL and CLBlast, only runtime/comm/ (and tests/) MPI;
#   - examples include <motley.h> and the C library only;
#   - functions of kernels have names of their own, for devices/joined.c puts any of them into one program;
#   - no source file is longer than 600 lines; no unfinished business; no path of one machine.
# Without TREE it checks its own source tree, after showing on a small tree, with each rule broken
# once, that it can fail.
set -u

check_tree() (
    cd "$1" || exit 2
    files=$(find runtime devices kernels_cl tools examples bench tests doc .ci quickstart README.md \
        HACKING.md NEWS Makefile.am configure.ac -type f 2>/dev/null |
        grep -Ev '(^|/)(\.libs|\.deps|cache[^/]*)/|\.(o|lo|la|log|trs|md5|pyc)$|embedded\.c$' | sort)
    for file in $files; do
        # A binary (a program built in the tree, a corpus file) has no lines to look at.
        LC_ALL=C grep -qI . "$file" && echo "$file"
    done | tr '\n' '\0' | xargs -0 -r awk '
        function floor_of(path) {
            if (path ~ /^runtime\/(base\/|motley\.h$)/) return 0
            if (path ~ /^(devices|kernels_cl)\//) return 1
            if (path ~ /^runtime\/graph\//) return 2
            if (path ~ /^runtime\/(model|comm)\//) return 3
            if (path ~ /^runtime\/plan\//) return 4
            if (path ~ /^runtime\/exec\//) return 5
            if (path ~ /^runtime\/train\//) return 6
            if (path ~ /^(tools|examples|bench)\//) return 7
            return 8
        }
        function room_of(path) { # the folder that counts: runtime/graph/op is runtime/graph
            if (path == "runtime/motley.h") return "runtime/base/"
            if (path ~ /^runtime\/[^\/]*\//) return substr(path, 1, 8 + index(substr(path, 9), "/"))
            return substr(path, 1, index(path, "/"))
        }
        function complain(what) { print FILENAME ":" FNR ": " what; bad = 1 }
        function check_include(target, is_system,   from) {
            from = FILENAME
            if (target ~ /^(CL\/|clblast)/ && from !~ /^(devices|tests)\//)
                complain("includes " target "; only devices/ may")
            if (target ~ /^mpi/ && from !~ /^(runtime\/comm|tests)\//)
                complain("includes " target "; only runtime/comm/ may")
            if (is_system) return
            if (from ~ /^examples\//)
                complain("an example includes \"" target "\" instead of <motley.h>")
            if (target == "config.h" || from ~ /\.cl$/) return
            if (target !~ /\//) { complain("\"" target "\" is not written from the root"); return }
            if (room_of(target) != room_of(from) && floor_of(target) >= floor_of(from))
                complain("includes " target ", which is not on a lower floor")
            if (target ~ /^devices\// && from ~ /^runtime\/(graph|model|comm|plan)\//)
                complain("includes " target "; this folder knows nothing of devices")
        }
        FILENAME ~ /\.cl$/ && /^[A-Za-z_].*[ *][a-z_0-9]+\(/ {
            name = $0
            sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
            if (name == "__attribute__") next
            if (name in kernel_function && kernel_function[name] != FILENAME)
                complain("a function " name " is also in " kernel_function[name])
            kernel_function[name] = FILENAME
        }
        FNR > 600 && FNR == 601 && FILENAME ~ /\.([chly]|cl|sh|py)$/ { complain("longer than 600 lines") }
        FILENAME ~ /\.(c|h|cl)$/ && /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
            is_system = $0 ~ /include[ \t]*</
            target = $0
            sub(/^[^<"]*[<"]/, "", target); sub(/[>"].*$/, "", target)
            check_include(target, is_system)
        }
        /(^|[^A-Za-z_])(TO[D]O|FIX[M]E|XX[X])([^A-Za-z_X]|$)/ { complain("unfinished business") }
        FILENAME ~ /\.(c|h|cl)$/ && /not [i]mplemented/ { complain("unfinished business") }
        /(^|[^A-Za-z0-9_.}$)*])\/(w[o]rk|f[a]rm|r[o]ot|h[o]me\/[a-z]+)\// { complain("a path of one machine") }
        END { exit bad }'
)

self_test() {
    tree=$(mktemp -d) || exit 2
    trap 'rm -rf "$tree"' EXIT
    mkdir -p "$tree"/runtime/base "$tree"/runtime/graph/op "$tree"/runtime/plan "$tree"/devices \
        "$tree"/runtime/exec "$tree"/runtime/model "$tree"/runtime/comm "$tree"/examples "$tree"/kernels_cl
    echo '#include "runtime/base/a.h"' >"$tree/runtime/graph/ok.c"
    echo '#include "runtime/graph/op/rules.h"' >>"$tree/runtime/graph/ok.c"
    echo '#include "runtime/graph/graph.h"' >"$tree/runtime/graph/op/ok.c"
    echo '#include <mpi.h>' >"$tree/runtime/comm/ok.c"
    echo '#include <CL/cl.h>' >"$tree/devices/ok.c"
    echo '#include "devices/device.h"' >"$tree/runtime/exec/ok.c"
    echo 'float sum_all(float x)' >"$tree/kernels_cl/ok.cl"
    check_tree "$tree" || { echo "floors: the check refuses a tree in order"; exit 1; }
    # file | its contents: each line breaks one rule
    while IFS='|' read -r file text; do
        printf '%b\n' "$text" >"$tree/$file"
        if check_tree "$tree" >"$tree/said"; then
            echo "floors: the check does not see what is wrong with $file: $text"
            exit 1
        fi
        rm -f "$tree/$file" "$tree/said"
    done <<END
runtime/base/up.c|#include "devices/device.h"
runtime/graph/up.c|#include "runtime/plan/plan.h"
runtime/model/side.c|#include "runtime/comm/comm.h"
runtime/plan/opens.c|#include "devices/device.h"
runtime/graph/near.c|#include "graph.h"
runtime/exec/cl.c|#include <CL/cl.h>
runtime/exec/blast.c|  #  include <clblast_c.h>
runtime/exec/mpi.c|#include <mpi.h>
examples/inside.c|#include "runtime/motley.h"
devices/long.c|$(yes 'x\n' | head -700 | tr -d '\n')
kernels_cl/again.cl|__kernel void sum_all(__global float *x)
kernels_cl/again.cl|INLINE float4 sum_all(float4 x)
devices/later.c|/* TO\0104O: all of it */
devices/later.h|/* FIX\0115E */
devices/path.c|/* see /w\0157rk/main */
END
    rm -rf "$tree"
    trap - EXIT
}

[ $# -gt 0 ] || self_test
check_tree "${1:-${srcdir:-$(dirname "$0")/..}}" || exit 1
