# Kernel sources are embedded as C strings: kernels_cl/embedded.c is made from KERNELS.
KERNELS = kernels_cl/accumulate.cl kernels_cl/activation.cl kernels_cl/adagrad.cl \
	kernels_cl/adam.cl kernels_cl/add.cl kernels_cl/attention.cl kernels_cl/attention_blocks.cl \
	kernels_cl/attention_blocks_grad.cl kernels_cl/attention_lanes.cl kernels_cl/attention_tile.cl \
	kernels_cl/average.cl kernels_cl/batch_norm.cl kernels_cl/batch_norm_channel.cl \
	kernels_cl/batch_norm_grad.cl kernels_cl/builtins.cl kernels_cl/clip_leave.cl kernels_cl/clip_norm.cl \
	kernels_cl/clip_norm_lanes.cl kernels_cl/conv2d_direct.cl kernels_cl/conv2d_finish.cl \
	kernels_cl/conv2d_gemm.cl kernels_cl/conv2d_gemm_weight.cl kernels_cl/conv2d_pixels.cl \
	kernels_cl/conv2d_plain.cl kernels_cl/conv2d_planes.cl kernels_cl/conv2d_taps.cl \
	kernels_cl/conv2d_tile.cl kernels_cl/conv2d_weight_sum.cl kernels_cl/conv2d_winograd.cl \
	kernels_cl/dropout.cl kernels_cl/dropout_items.cl kernels_cl/embedding.cl \
	kernels_cl/embedding_row.cl kernels_cl/embedding_rows.cl kernels_cl/exp.cl kernels_cl/half.cl \
	kernels_cl/half_vector.cl kernels_cl/ingest.cl kernels_cl/inline.cl kernels_cl/joined.cl \
	kernels_cl/lamb.cl kernels_cl/lanes.cl kernels_cl/lion.cl kernels_cl/loss_scale.cl \
	kernels_cl/loss_scale_group.cl kernels_cl/matmul_direct.cl kernels_cl/matmul_ends.cl \
	kernels_cl/matmul_finish.cl kernels_cl/matmul_flags.cl kernels_cl/matmul_mma.cl \
	kernels_cl/matmul_mma_pack.cl kernels_cl/matmul_mma_words.cl kernels_cl/matmul_order.cl \
	kernels_cl/matmul_packed.cl kernels_cl/matmul_plain.cl kernels_cl/matmul_tile.cl \
	kernels_cl/matmul_tiled.cl kernels_cl/move.cl kernels_cl/move_tile.cl kernels_cl/narrow.cl \
	kernels_cl/norm.cl \
	kernels_cl/norm_finish_lanes.cl kernels_cl/norm_flags.cl kernels_cl/norm_grad.cl \
	kernels_cl/norm_lanes.cl kernels_cl/peak.cl kernels_cl/philox.cl kernels_cl/piece.cl \
	kernels_cl/pointwise_loss.cl kernels_cl/pool2d.cl kernels_cl/position.cl \
	kernels_cl/position_items.cl kernels_cl/probe.cl kernels_cl/recurrent.cl \
	kernels_cl/recurrent_panels.cl kernels_cl/relu.cl kernels_cl/rmsprop.cl kernels_cl/scalars.cl \
	kernels_cl/scale_move.cl kernels_cl/sgd.cl kernels_cl/shuffle.cl kernels_cl/sigmoid.cl \
	kernels_cl/softmax.cl kernels_cl/softmax_lanes.cl kernels_cl/softmax_row.cl \
	kernels_cl/softmax_xent.cl kernels_cl/squares.cl kernels_cl/sum.cl kernels_cl/sum_lanes.cl \
	kernels_cl/sums.cl kernels_cl/tree.cl kernels_cl/update.cl kernels_cl/vector.cl kernels_cl/xent_label.cl
EXTRA_DIST += $(KERNELS) kernels_cl/embed.awk
CLEANFILES += kernels_cl/embedded.c
nodist_libmotley_core_la_SOURCES = kernels_cl/embedded.c
kernels_cl/embedded.c: $(KERNELS) kernels_cl/embed.awk
	@$(MKDIR_P) kernels_cl
	$(AM_V_GEN)(cd $(srcdir) && $(AWK) -f kernels_cl/embed.awk $(KERNELS) /dev/null) > $@.tmp && mv $@.tmp $@
