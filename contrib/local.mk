# contrib: what goes with the programs but is none
EXTRA_DIST += \
	.ci/aarch64 .ci/run LICENSE \
	contrib/packages.txt contrib/quickstart \
	contrib/debian/build contrib/debian/postinst contrib/debian/postrm contrib/debian/prerm contrib/debian/runnerd.sysusers \
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

# A Debian package of what "make install" would install, with its units; README.md says how to configure first.
deb_dir = $(abs_top_builddir)/deb
deb_root = $(deb_dir)/root
deb: all
	rm -rf $(deb_dir)
	$(MAKE) install-strip DESTDIR=$(deb_root)
	rm -rf $(deb_root)$(includedir)
	@$(MKDIR_P) $(deb_root)/usr/lib/systemd/system $(deb_root)/usr/lib/systemd/user
	for unit in $(unit_files); do \
		$(SED) -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
			$(srcdir)/$$unit >$(deb_root)/usr/lib/systemd/$$(echo "$$unit" | $(SED) 's|contrib/systemd/||; /^user/!s|^|system/|') || exit 1; \
	done
	$(srcdir)/contrib/debian/build $(deb_root) $(VERSION) $(deb_dir)/$(PACKAGE)_$(VERSION)_$$(dpkg --print-architecture).deb
	rm -rf $(deb_root)
clean-local:
	rm -rf deb units
.PHONY: deb

# Whole folders of pages, data and end-to-end tests go into the archive as they are in the tree.
dist-hook: dist-folders
dist-folders:
	cd $(srcdir) && tar -cf - doc contrib/examples contrib/hooks t/data t/lint | (cd $(abs_top_builddir)/$(distdir) && tar -xf -)
.PHONY: dist-folders

# Layout is settled by clang-format.
format:
	cd $(srcdir) && clang-format -i $$(find src include t -name '*.[ch]')
.PHONY: format
