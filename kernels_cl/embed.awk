# Turns kernel files into one C table: { name, text }, name without folder and ".cl".  Each line of
# a file becomes one string literal.
function finish() { if (open) printf "    },\n"; open = 0 }
BEGIN {
    print "/* Made by kernels_cl/embed.awk. */"
    print "#include \"devices/embedded.h\"\n"
    print "const mot_embedded mot_embedded_kernels[] = {"
}
FNR == 1 {
    finish()
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/\.cl$/, "", name)
    printf "    {\"%s\",\n", name
    open = 1
}
{
    gsub(/\\/, "\\\\")
    gsub(/"/, "\\\"")
    printf "        \"%s\\n\"\n", $0
}
END { finish(); print "    {0, 0},\n};" }
