# Fuzz targets; here each replays its corpus, tests/fuzz/<name>, and small changes of it.
fuzz_targets = tests/fuzz/fuzz_yaml
check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
tests_fuzz_fuzz_yaml_SOURCES = tests/fuzz/fuzz_yaml.c tests/fuzz/fuzz.h tests/fuzz/replay.c
tests_fuzz_fuzz_yaml_LDADD = libmotley_core.la
EXTRA_DIST += tests/fuzz/yaml
