#!/bin/sh
# test_ops, which takes long, as a script: make begins those first.
exec "${HELPERS:?run by make check}/ops/test_ops"
