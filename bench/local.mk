EXTRA_DIST += bench/README.md bench/accuracy bench/step bench/peers/compare_losses.py bench/peers/motley_data.py \
	bench/peers/nets.py bench/peers/step_pytorch.py bench/peers/train_pytorch.py
