/* fuzz.h: the entry point of a fuzz target, as libFuzzer calls it.  A target aborts when something
 * does not hold that always must; it returns 0. */
#ifndef MOT_TESTS_FUZZ_FUZZ_H
#define MOT_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
