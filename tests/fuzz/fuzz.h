/* fuzz.h: the function that libFuzzer calls with any bytes; replay.c calls it with the corpus. */
#ifndef MOT_TESTS_FUZZ_H
#define MOT_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

#endif
