dist_man_MANS += doc/motley.1
