
dist_man_MANS += man/runner-init.8
