EXTRA_DIST += bench/README.md bench/accuracy bench/compare \
	bench/peers/cases.py bench/peers/chart.py bench/peers/compare_losses.py \
	bench/peers/compare_operators.py bench/peers/gemm_native.c \
	bench/peers/gemm_pytorch.py bench/peers/layers_pytorch.py bench/peers/motley_data.py \
	bench/peers/nets.py bench/peers/step_ddp.py \
	bench/peers/step_pytorch.py bench/peers/step_tinygrad.py bench/peers/train_pytorch.py
