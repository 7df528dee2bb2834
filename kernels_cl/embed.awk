# Turns kernel files into one C table: { name, text }, name without folder and ".cl".  Each line of
# a file becomes one string literal.  `#include "x.cl"` is replaced by that file of the same folder,
# the first time that it is met in a kernel file, so that devices see whole sources only.
function finish() { if (open) printf "    },\n"; open = 0 }
function emit(line) {
    gsub(/\\/, "&&", line) # not "\\\\": awks differ in what they make of that
    gsub(/"/, "\\\"", line)
    printf "        \"%s\\n\"\n", line
}
function take(line,    parts, path, got, inner) {
    if (line !~ /^#[ \t]*include[ \t]*"/) {
        emit(line)
        return
    }
    split(line, parts, "\"")
    path = folder parts[2]
    if ((name, path) in taken)
        return
    taken[name, path] = 1
    while ((got = (getline inner < path)) > 0)
        take(inner)
    if (got < 0) {
        print "embed.awk: " FILENAME " includes " path ", which cannot be read" > "/dev/stderr"
        failed = 1
        exit 1
    }
    close(path)
}
BEGIN {
    print "/* Made by kernels_cl/embed.awk. */"
    print "#include \"devices/embedded.h\"\n"
    print "const mot_embedded mot_embedded_kernels[] = {"
}
FNR == 1 {
    finish()
    name = folder = FILENAME
    sub(/[^\/]*$/, "", folder)
    sub(/.*\//, "", name)
    sub(/\.cl$/, "", name)
    taken[name, FILENAME] = 1
    printf "    {\"%s\",\n", name
    open = 1
}
{ take($0) }
END {
    if (failed)
        exit 1
    finish()
    print "    {0, 0},\n};"
}
