noinst_PROGRAMS += examples/train_mnist
examples_train_mnist_SOURCES = examples/train_mnist.c
examples_train_mnist_CPPFLAGS = -I$(top_srcdir)/runtime
examples_train_mnist_LDADD = libmotley.la
EXTRA_DIST += examples/get-data
