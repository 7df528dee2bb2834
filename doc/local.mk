dist_man_MANS += doc/motley.1
dist_doc_DATA += doc/config.md doc/kernels.md
