# one file a module; append your block

# base
if HAVE_CHECK
check_PROGRAMS += tests/unit/test_base tests/unit/test_text
TESTS += tests/unit/test_base tests/unit/test_text
tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_base_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_text_SOURCES = tests/unit/test_text.c
tests_unit_test_text_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_text_LDADD = libmotley_core.la $(CHECK_LIBS)
endif

# graph and model
if HAVE_CHECK
graph_model_tests = tests/unit/test_graph tests/unit/test_graph_fuse \
	tests/unit/test_graph_memory \
	tests/unit/test_config \
	tests/unit/test_config_document \
	tests/unit/test_config_yaml \
	tests/unit/test_model tests/unit/test_model_loss tests/unit/test_model_norm \
	tests/unit/test_model_text tests/unit/test_model_transpose
check_PROGRAMS += $(graph_model_tests)
TESTS += $(graph_model_tests)
tests_unit_test_graph_SOURCES = tests/unit/test_graph.c tests/unit/graph_build.h
tests_unit_test_graph_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_graph_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_graph_fuse_SOURCES = tests/unit/test_graph_fuse.c tests/unit/graph_build.h
tests_unit_test_graph_fuse_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_graph_fuse_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_graph_memory_SOURCES = tests/unit/test_graph_memory.c tests/unit/graph_build.h tests/unit/reference.h \
	tests/unit/reference_ops.h
tests_unit_test_graph_memory_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_graph_memory_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_config_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_config_document_SOURCES = tests/unit/test_config_document.c
tests_unit_test_config_document_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_config_document_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_config_yaml_SOURCES = tests/unit/test_config_yaml.c
tests_unit_test_config_yaml_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_config_yaml_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_model_text_SOURCES = tests/unit/test_model_text.c
tests_unit_test_model_text_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_text_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_model_norm_SOURCES = tests/unit/test_model_norm.c tests/unit/model_build.h
tests_unit_test_model_norm_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_norm_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_model_loss_SOURCES = tests/unit/test_model_loss.c tests/unit/model_build.h
tests_unit_test_model_loss_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_loss_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_model_transpose_SOURCES = tests/unit/test_model_transpose.c tests/unit/model_build.h
tests_unit_test_model_transpose_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_transpose_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_model_SOURCES = tests/unit/test_model.c tests/unit/model_build.h
tests_unit_test_model_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_model_LDADD = libmotley_core.la $(CHECK_LIBS)
endif

# devices
if HAVE_CHECK
check_PROGRAMS += tests/unit/test_devices_select tests/unit/test_devices_open \
	tests/unit/test_devices_programs tests/unit/test_tuned
TESTS += tests/unit/test_devices_select tests/unit/test_devices_open tests/unit/test_devices_programs \
	tests/unit/test_tuned
tests_unit_test_tuned_SOURCES = tests/unit/test_tuned.c
tests_unit_test_tuned_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_tuned_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_devices_select_SOURCES = tests/unit/test_devices_select.c
tests_unit_test_devices_select_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_devices_select_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_devices_open_SOURCES = tests/unit/test_devices_open.c
tests_unit_test_devices_open_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_devices_open_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_devices_programs_SOURCES = tests/unit/test_devices_programs.c
tests_unit_test_devices_programs_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_devices_programs_LDADD = libmotley_core.la $(CHECK_LIBS)
endif

# train: data sets and files
if HAVE_CHECK
DATA_TESTS = tests/unit/test_augment tests/unit/test_cifar tests/unit/test_class_counts tests/unit/test_csv tests/unit/test_data tests/unit/test_drawn_digits tests/unit/test_idx tests/unit/test_images tests/unit/test_packed tests/unit/test_safetensors tests/unit/test_text_set
check_PROGRAMS += $(DATA_TESTS)
TESTS += $(DATA_TESTS)
tests_unit_test_augment_SOURCES = tests/unit/test_augment.c tests/unit/files.h
tests_unit_test_augment_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_augment_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_cifar_SOURCES = tests/unit/test_cifar.c tests/unit/files.h
tests_unit_test_cifar_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_cifar_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_class_counts_SOURCES = tests/unit/test_class_counts.c
tests_unit_test_class_counts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_class_counts_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_csv_SOURCES = tests/unit/test_csv.c tests/unit/files.h
tests_unit_test_csv_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_csv_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_data_SOURCES = tests/unit/test_data.c tests/unit/files.h
tests_unit_test_data_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_data_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_drawn_digits_SOURCES = tests/unit/test_drawn_digits.c tests/unit/files.h
tests_unit_test_drawn_digits_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_drawn_digits_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_idx_SOURCES = tests/unit/test_idx.c tests/unit/files.h
tests_unit_test_idx_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_idx_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_safetensors_SOURCES = tests/unit/test_safetensors.c tests/unit/files.h
tests_unit_test_safetensors_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_safetensors_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_images_SOURCES = tests/unit/test_images.c tests/unit/files.h
tests_unit_test_images_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_images_LDADD = libmotley_core.la $(CHECK_LIBS) $(PNG_LIBS) $(JPEG_LIBS)
tests_unit_test_packed_SOURCES = tests/unit/test_packed.c tests/unit/files.h
tests_unit_test_packed_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_packed_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_text_set_SOURCES = tests/unit/test_text_set.c tests/unit/files.h
tests_unit_test_text_set_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_text_set_LDADD = libmotley_core.la $(CHECK_LIBS)
endif

# the update of the weights
if HAVE_CHECK
UPDATE_TESTS = tests/unit/test_optimizer tests/unit/test_schedule
check_PROGRAMS += $(UPDATE_TESTS)
TESTS += $(UPDATE_TESTS)
tests_unit_test_optimizer_SOURCES = tests/unit/test_optimizer.c
tests_unit_test_optimizer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_optimizer_LDADD = libmotley_core.la $(CHECK_LIBS)
tests_unit_test_schedule_SOURCES = tests/unit/test_schedule.c
tests_unit_test_schedule_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_schedule_LDADD = libmotley_core.la $(CHECK_LIBS)
endif

# generating
if HAVE_CHECK
check_PROGRAMS += tests/unit/test_sampling
TESTS += tests/unit/test_sampling
tests_unit_test_sampling_SOURCES = tests/unit/test_sampling.c
tests_unit_test_sampling_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_sampling_LDADD = libmotley_core.la $(CHECK_LIBS)
endif
