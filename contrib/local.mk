# contrib: what goes with the programs but is none
EXTRA_DIST += \
	.ci/aarch64 .ci/run LICENSE \
	contrib/packages.txt contrib/quickstart \
	$(unit_files)

# Units are not installed by "make install": a packager or an administrator chooses where. "make units" fills in
# the paths.
unit_files = \
	contrib/systemd/runner-hub.service contrib/systemd/runnerd.service contrib/systemd/runnerd-tasks.service \
	contrib/systemd/user/runnerd.service contrib/systemd/user/runnerd-tasks.service

units: $(unit_files)
	@mkdir -p units/user
	for unit in $(unit_files); do \
		$(SED) -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
			$(srcdir)/$$unit >units/$${unit#contrib/systemd/} || exit 1; \
	done
.PHONY: units

# Whole folders of pages, data and end-to-end tests go into the archive as they are in the tree.
dist-hook: dist-folders
dist-folders:
	cd $(srcdir) && tar -cf - doc contrib/examples contrib/hooks t/data t/lint | (cd $(abs_top_builddir)/$(distdir) && tar -xf -)
.PHONY: dist-folders

# Layout is settled by clang-format.
format:
	cd $(srcdir) && clang-format -i $$(find src include t -name '*.[ch]')
.PHONY: format
