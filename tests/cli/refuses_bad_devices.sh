#!/bin/sh
# Unknown devices, none at all, no compiler: one message each, with what there is or what to do.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

first=$(first_device)
refuse "unknown device" "nvidio.*${first%:*}" "$MOTLEY" train "$digits" --devices nvidio:0
refuse "position that is not there" "${first%:*}:99" "$MOTLEY" train "$digits" --devices "${first%:*}:99"
refuse "everything excluded" 'device' "$MOTLEY" train "$digits" --devices 'all,!*'
refuse "everything excluded, by kind" 'leaves no device' "$MOTLEY" train "$digits" --devices 'all,!all'
refuse "broken pattern" 'device|pattern' "$MOTLEY" train "$digits" --devices ',,!'
refuse "split in no parts" '0' "$MOTLEY" train "$digits" --devices "$first/0"
refuse "split in more parts than cores" '100000' "$MOTLEY" train "$digits" --devices "$first/100000"
MOTLEY_DEVICES=nvidio:0 refuse "unknown device in MOTLEY_DEVICES" 'nvidio' "$MOTLEY" train "$digits"

mkdir "$tmp/none"
# No platform at all: the message says what to install.
OCL_ICD_VENDORS=$tmp/none refuse "no OpenCL platform" 'no OpenCL.*(install|pocl)' "$MOTLEY" train "$digits"
OCL_ICD_VENDORS=$tmp/none refuse "no OpenCL platform to list" 'no OpenCL.*(install|pocl)' "$MOTLEY" devices
# A platform without a device.
if [ "${first%:*}" = pocl ] && [ -f /etc/OpenCL/vendors/rusticl.icd ]; then
    cp /etc/OpenCL/vendors/rusticl.icd "$tmp/none"
    RUSTICL_ENABLE= OCL_ICD_VENDORS=$tmp/none refuse "a platform without devices" 'device' "$MOTLEY" train "$digits"
fi
# A driver that is not a library.
echo "$tmp/nothing.so" >"$tmp/none/broken.icd"
if [ -f /etc/OpenCL/vendors/pocl.icd ]; then
    cp /etc/OpenCL/vendors/pocl.icd "$tmp/none"
    OCL_ICD_VENDORS=$tmp/none train "$digits" --steps 5
fi
finish
