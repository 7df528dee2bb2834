include runtime/base/local.mk
include runtime/graph/local.mk
include runtime/model/local.mk
include runtime/comm/local.mk
include runtime/plan/local.mk
include runtime/exec/local.mk
include runtime/train/local.mk
