#!/bin/sh
# test_ops, which takes long, as a script: make begins those first.  Quickly: what the rules choose only.
[ -z "${MOTLEY_TEST_QUICK-}" ] || export MOT_TEST_RULES=1
exec "${HELPERS:?run by make check}/ops/test_ops"
