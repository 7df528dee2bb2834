# Readers of files, fed with a small corpus; `run` fuzzes them.  Each target is one
# program that is given its folder.
FUZZ_TARGETS = tests/fuzz/fuzz_cifar tests/fuzz/fuzz_csv tests/fuzz/fuzz_idx tests/fuzz/fuzz_image \
	tests/fuzz/fuzz_packed tests/fuzz/fuzz_safetensors \
	tests/fuzz/fuzz_text tests/fuzz/fuzz_tuned tests/fuzz/fuzz_yaml
check_PROGRAMS += $(FUZZ_TARGETS)
tests_fuzz_fuzz_cifar_SOURCES = tests/fuzz/fuzz_cifar.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_cifar_LDADD = libmotley_core.la
tests_fuzz_fuzz_csv_SOURCES = tests/fuzz/fuzz_csv.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_csv_LDADD = libmotley_core.la
tests_fuzz_fuzz_idx_SOURCES = tests/fuzz/fuzz_idx.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_idx_LDADD = libmotley_core.la
tests_fuzz_fuzz_image_SOURCES = tests/fuzz/fuzz_image.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_image_LDADD = libmotley_core.la
tests_fuzz_fuzz_packed_SOURCES = tests/fuzz/fuzz_packed.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_packed_LDADD = libmotley_core.la
tests_fuzz_fuzz_safetensors_SOURCES = tests/fuzz/fuzz_safetensors.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_safetensors_LDADD = libmotley_core.la
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_text_LDADD = libmotley_core.la
tests_fuzz_fuzz_tuned_SOURCES = tests/fuzz/fuzz_tuned.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_tuned_LDADD = libmotley_core.la
tests_fuzz_fuzz_yaml_SOURCES = tests/fuzz/fuzz_yaml.c tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_yaml_LDADD = libmotley_core.la

TESTS += tests/fuzz/replay.sh
EXTRA_DIST += tests/fuzz/run tests/fuzz/replay.sh tests/fuzz/cifar tests/fuzz/csv tests/fuzz/idx tests/fuzz/image \
	tests/fuzz/packed tests/fuzz/safetensors tests/fuzz/text tests/fuzz/tuned tests/fuzz/yaml
