libmotley_core_la_SOURCES += devices/device.h devices/devices.h devices/kernel.h devices/primitive.h devices/embedded.h
