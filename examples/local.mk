noinst_PROGRAMS += examples/train_mnist
examples_train_mnist_SOURCES = examples/train_mnist.c
examples_train_mnist_CPPFLAGS = -I$(top_srcdir)/runtime
examples_train_mnist_LDADD = libmotley.la
examplesdir = $(docdir)/examples
dist_examples_SCRIPTS = examples/get-data
dist_examples_DATA = examples/california_housing.yaml examples/cifar_resnet20.yaml \
    examples/drawn_digits_mlp.yaml examples/drawn_digits_residual.yaml examples/fashion_cnn.yaml \
    examples/mnist_cnn.yaml examples/mnist_lenet.yaml examples/mnist_mlp.yaml \
    examples/mnist_mlp_adam.yaml examples/shakespeare_gpt.yaml examples/shakespeare_lstm.yaml \
    examples/train_mnist.c examples/usps_like.yaml examples/wine_quality.yaml
