# src/ctl: runnerctl; may include base, loop, format, http, task, compile
noinst_LIBRARIES += libctl.a
libctl_a_SOURCES = \
	src/ctl/agent.c \
	src/ctl/api.c src/ctl/api.h \
	src/ctl/args.c src/ctl/args.h \
	src/ctl/attach.c \
	src/ctl/artifact.c src/ctl/artifact.h \
	src/ctl/cache.c src/ctl/cache_dir.h \
	src/ctl/capture.c src/ctl/capture.h \
	src/ctl/clean.c src/ctl/clean.h \
	src/ctl/commands.c src/ctl/commands.h \
	src/ctl/completion.c src/ctl/completion.h src/ctl/completion_shells.c \
	src/ctl/config.c src/ctl/config.h src/ctl/config_explain.c src/ctl/config_graph.c \
	src/ctl/config_pack.c src/ctl/config_tasks.c \
	src/ctl/context.c src/ctl/context_calls.c src/ctl/context_calls.h \
	src/ctl/contexts.c src/ctl/contexts.h \
	src/ctl/display.c src/ctl/display.h src/ctl/view.h src/ctl/view_plain.c src/ctl/view_terminal.c \
	src/ctl/download.c src/ctl/download.h \
	src/ctl/environment.c src/ctl/environment.h \
	src/ctl/dotenv.c src/ctl/dotenv.h \
	src/ctl/envvar.c \
	src/ctl/file.c src/ctl/file.h \
	src/ctl/follow.c src/ctl/follow.h src/ctl/follow_node.c src/ctl/follow_private.h src/ctl/follow_watch.c \
	src/ctl/graph.c src/ctl/graph.h src/ctl/graph_dot.c src/ctl/graph_text.c \
	src/ctl/grep.c src/ctl/grep.h \
	src/ctl/job.c src/ctl/job.h \
	src/ctl/job_keep.c \
	src/ctl/job_task.c src/ctl/job_task.h \
	src/ctl/login.c src/ctl/login.h \
	src/ctl/logs.c \
	src/ctl/orb.c src/ctl/orb.h src/ctl/orb_add.c src/ctl/orb_fetch.c \
	src/ctl/orb_lock.c src/ctl/orb_lock.h \
	src/ctl/orb_origin.c src/ctl/orb_origin.h src/ctl/orb_registry.c src/ctl/orb_registry.h \
	src/ctl/orb_resolver.c src/ctl/orb_resolver.h \
	src/ctl/orb_shelf.c src/ctl/orb_shelf.h \
	src/ctl/orphans.c src/ctl/orphans.h \
	src/ctl/outlet.c src/ctl/outlet.h \
	src/ctl/pages.c src/ctl/pages.h \
	src/ctl/parameters.c src/ctl/parameters.h \
	src/ctl/pipeline.c \
	src/ctl/pipeline_run.c \
	src/ctl/printout.c src/ctl/printout.h \
	src/ctl/private.c src/ctl/private.h \
	src/ctl/project.c src/ctl/project.h \
	src/ctl/project_show.c \
	src/ctl/records.c src/ctl/records.h \
	src/ctl/resource_class.c \
	src/ctl/resume.c src/ctl/resume.h \
	src/ctl/run.c \
	src/ctl/run_hold.c src/ctl/run_hold.h \
	src/ctl/run_result.c src/ctl/run_result.h \
	src/ctl/run_tests.c src/ctl/run_tests.h \
	src/ctl/say.c src/ctl/say.h \
	src/ctl/scratch.c src/ctl/scratch.h \
	src/ctl/screen.c src/ctl/screen.h \
	src/ctl/show.c src/ctl/show.h \
	src/ctl/secret.c src/ctl/secret.h \
	src/ctl/input.c src/ctl/input.h \
	src/ctl/schedule.c \
	src/ctl/ssh_key.c \
	src/ctl/storage.c \
	src/ctl/table.c src/ctl/table.h \
	src/ctl/task.c \
	src/ctl/terminal.c src/ctl/terminal.h \
	src/ctl/test.c \
	src/ctl/token.c src/ctl/token.h \
	src/ctl/top.c src/ctl/top.h src/ctl/top_draw.c src/ctl/top_source.c \
	src/ctl/usage.c src/ctl/usage.h \
	src/ctl/watching.c src/ctl/watching.h \
	src/ctl/workflow.c \
	src/ctl/why.c \
	src/ctl/workflow_decide.c

EXTRA_DIST += doc/config-errors.md

bin_PROGRAMS += runnerctl
runnerctl_SOURCES = src/ctl/main.c
ctl_libs = libctl.a libcompile.a libtask.a libhttp.a libformat.a libloop.a libbase.a
runnerctl_LDADD = $(ctl_libs) $(PCRE2_LIBS) $(NGHTTP2_LIBS) $(format_libs) $(OPENSSL_LIBS) $(EVENT_LIBS)

# Completions are made of what the installed programs say of themselves; a cross-build cannot ask them.
bash_completions = $(datadir)/bash-completion/completions
zsh_completions = $(datadir)/zsh/site-functions
fish_completions = $(datadir)/fish/vendor_completions.d
install-data-local: $(bin_PROGRAMS) $(sbin_PROGRAMS) $(pkglibexec_PROGRAMS)
	@if test "$(build)" != "$(host)"; then \
		echo "cross-built: no completions; 'runnerctl completion SHELL' prints them on the target"; \
	else \
		set -e; \
		$(MKDIR_P) "$(DESTDIR)$(bash_completions)" "$(DESTDIR)$(zsh_completions)" "$(DESTDIR)$(fish_completions)"; \
		./runnerctl completion bash >"$(DESTDIR)$(bash_completions)/runnerctl"; \
		./runnerctl completion zsh >"$(DESTDIR)$(zsh_completions)/_runnerctl"; \
		./runnerctl completion fish >"$(DESTDIR)$(fish_completions)/runnerctl.fish"; \
		for program in runnerd runner-hub; do \
			ln -sf runnerctl "$(DESTDIR)$(bash_completions)/$$program"; \
			ln -sf runnerctl.fish "$(DESTDIR)$(fish_completions)/$$program.fish"; \
		done; \
	fi
uninstall-local:
	rm -f "$(DESTDIR)$(zsh_completions)/_runnerctl"
	for program in runnerctl runnerd runner-hub; do \
		rm -f "$(DESTDIR)$(bash_completions)/$$program" "$(DESTDIR)$(fish_completions)/$$program.fish"; \
	done
