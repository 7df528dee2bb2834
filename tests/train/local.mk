# End-to-end tests of the command; see tests/lib.sh.
TRAIN_TESTS = \
	tests/train/archive_needs_no_compiler.sh \
	tests/train/batch_norm_is_over_all_devices.sh \
	tests/train/branches_give_same_result.sh \
	tests/train/checkpoints_change_no_bit.sh \
	tests/train/evaluation_is_that_of_any_shares.sh \
	tests/train/generates_same_text.sh \
	tests/train/joined_launches_give_same_bits.sh \
	tests/train/losses_are_those_of_any_shares.sh \
	tests/train/odd_batches_are_exact.sh \
	tests/train/parts_make_the_same_step.sh \
	tests/train/other_shapes_need_a_config_only.sh \
	tests/train/reaches_accuracy_on_mnist.sh \
	tests/train/resumes_after_kill.sh \
	tests/train/resumes_elsewhere.sh \
	tests/train/same_plan_gives_same_bits.sh \
	tests/train/same_result_on_any_devices.sh \
	tests/train/same_result_on_any_ranks.sh \
	tests/train/storage_keeps_the_result.sh \
	tests/train/what_fits_is_known_before.sh
TIMED_TRAIN_TESTS = \
	tests/train/hurting_device_is_left_out.sh \
	tests/train/slowed_device_gets_less.sh \
	tests/train/unlike_devices_get_unlike_shares.sh
TESTS += $(TRAIN_TESTS)
ALONE += $(TIMED_TRAIN_TESTS)
EXTRA_DIST += $(TRAIN_TESTS) $(TIMED_TRAIN_TESTS)
EXTRA_DIST += tests/train/batch_norm.yaml tests/train/branches.yaml tests/train/checkpoints.yaml \
	tests/train/digits.yaml tests/train/images.yaml tests/train/usps.yaml tests/train/words.yaml
