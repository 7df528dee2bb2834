# End-to-end tests of the command; see tests/lib.sh.
CLI_TESTS = \
	tests/cli/benches.sh \
	tests/cli/get_data_checks_what_it_fetches.sh \
	tests/cli/one_failing_rank_ends_all.sh \
	tests/cli/packs_data.sh \
	tests/cli/prints_the_model.sh \
	tests/cli/refuses_bad_config.sh \
	tests/cli/refuses_bad_data.sh \
	tests/cli/refuses_bad_devices.sh \
	tests/cli/refuses_bad_output.sh \
	tests/cli/refuses_bad_weights.sh \
	tests/cli/stops_at_nan.sh \
	tests/cli/tells_what_it_is.sh \
	tests/cli/tunes.sh tests/cli/tunes_operators.sh \
	tests/cli/tuning_survives_bad_kernels.sh \
	tests/cli/writes_what_it_promises.sh
TESTS += $(CLI_TESTS)
LONG += tests/cli/busy_machine_loses_no_device.sh
EXTRA_DIST += $(CLI_TESTS) tests/cli/busy_machine_loses_no_device.sh
