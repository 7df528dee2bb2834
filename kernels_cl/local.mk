# Kernel sources are embedded as C strings: kernels_cl/embedded.c is made from KERNELS.
KERNELS =
EXTRA_DIST += $(KERNELS) kernels_cl/embed.awk
CLEANFILES += kernels_cl/embedded.c
nodist_libmotley_core_la_SOURCES = kernels_cl/embedded.c
kernels_cl/embedded.c: $(KERNELS) kernels_cl/embed.awk
	@$(MKDIR_P) kernels_cl
	$(AM_V_GEN)(cd $(srcdir) && $(AWK) -f kernels_cl/embed.awk $(KERNELS) /dev/null) > $@.tmp && mv $@.tmp $@
