# Fuzz targets, one a parser: t/fuzz/<parser>.c with its corpus in t/data/fuzz/<parser>/.
# make check replays each corpus (t/05-fuzz-corpora.t); --enable-fuzzers with CC=clang links libFuzzer instead:
#   ./configure --enable-fuzzers CC=clang && make t/fuzz/task_doc && t/fuzz/task_doc -max_total_time=60 t/data/fuzz/task_doc
# A target appends to fuzz_targets and has its libraries in <target>_LDADD.
fuzz_targets = t/fuzz/task_doc t/fuzz/output_record t/fuzz/url t/fuzz/config t/fuzz/mask t/fuzz/dotenv \
	t/fuzz/yaml t/fuzz/substitute t/fuzz/expr t/fuzz/filter t/fuzz/accept t/fuzz/marks t/fuzz/ssh_key t/fuzz/timings t/fuzz/cache_key \
	t/fuzz/settings t/fuzz/frame t/fuzz/search t/fuzz/junit t/fuzz/blob_record t/fuzz/session t/fuzz/shelter t/fuzz/launcher_request
if FUZZERS
fuzz_main =
else
fuzz_main = t/fuzz/replay.c
endif
t_fuzz_task_doc_SOURCES = t/fuzz/task_doc.c $(fuzz_main)
t_fuzz_task_doc_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_task_doc_LDADD = libtask.a libformat.a libbase.a $(format_libs)
t_fuzz_output_record_SOURCES = t/fuzz/output_record.c $(fuzz_main)
t_fuzz_output_record_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_output_record_LDADD = libtask.a libformat.a libbase.a $(format_libs)
t_fuzz_blob_record_SOURCES = t/fuzz/blob_record.c $(fuzz_main)
t_fuzz_blob_record_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_blob_record_LDADD = libtask.a libformat.a libbase.a $(format_libs)
t_fuzz_session_SOURCES = t/fuzz/session.c $(fuzz_main)
t_fuzz_session_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_session_LDADD = libtask.a libformat.a libbase.a $(format_libs)
t_fuzz_shelter_SOURCES = t/fuzz/shelter.c $(fuzz_main)
t_fuzz_shelter_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_shelter_LDADD = libwire.a libbase.a
t_fuzz_launcher_request_SOURCES = t/fuzz/launcher_request.c $(fuzz_main)
t_fuzz_launcher_request_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_launcher_request_LDADD = liblauncher.a libbase.a
t_fuzz_ssh_key_SOURCES = t/fuzz/ssh_key.c $(fuzz_main)
t_fuzz_ssh_key_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_ssh_key_LDADD = libformat.a libbase.a $(format_libs)
t_fuzz_timings_SOURCES = t/fuzz/timings.c src/helper/timings.c src/helper/items.c src/helper/seconds.c $(fuzz_main)
t_fuzz_timings_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_timings_LDADD = libbase.a
t_fuzz_accept_SOURCES = t/fuzz/accept.c $(fuzz_main)
t_fuzz_accept_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_accept_LDADD = libhttp.a libbase.a
t_fuzz_marks_SOURCES = t/fuzz/marks.c $(fuzz_main)
t_fuzz_marks_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_marks_LDADD = libtask.a libbase.a
t_fuzz_url_SOURCES = t/fuzz/url.c $(fuzz_main)
t_fuzz_url_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_url_LDADD = libhttp.a libbase.a
t_fuzz_config_SOURCES = t/fuzz/config.c $(fuzz_main)
t_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_config_LDADD = libcompile.a libformat.a libbase.a $(PCRE2_LIBS) $(format_libs)
t_fuzz_dotenv_SOURCES = t/fuzz/dotenv.c $(fuzz_main)
t_fuzz_dotenv_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_dotenv_LDADD = $(runnerctl_LDADD)
t_fuzz_mask_SOURCES = t/fuzz/mask.c t/mask_reference.c t/mask_reference.h $(fuzz_main)
t_fuzz_mask_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/t
t_fuzz_mask_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_mask_LDADD = libtask.a libformat.a libbase.a $(format_libs)
t_fuzz_yaml_SOURCES = t/fuzz/yaml.c $(fuzz_main)
t_fuzz_yaml_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_yaml_LDADD = libformat.a libbase.a $(format_libs)
t_fuzz_substitute_SOURCES = t/fuzz/substitute.c t/fuzz/stage.c t/fuzz/stage.h $(fuzz_main)
t_fuzz_substitute_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_substitute_LDADD = $(t_fuzz_config_LDADD)
t_fuzz_expr_SOURCES = t/fuzz/expr.c t/fuzz/stage.c t/fuzz/stage.h $(fuzz_main)
t_fuzz_expr_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_expr_LDADD = $(t_fuzz_config_LDADD)
t_fuzz_filter_SOURCES = t/fuzz/filter.c t/fuzz/stage.c t/fuzz/stage.h $(fuzz_main)
t_fuzz_filter_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_filter_LDADD = $(t_fuzz_config_LDADD)
check_PROGRAMS += $(fuzz_targets)
EXTRA_PROGRAMS += $(fuzz_targets)
t_fuzz_cache_key_SOURCES = t/fuzz/cache_key.c $(fuzz_main)
t_fuzz_cache_key_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_cache_key_LDADD = libarchiver.a libformat.a libbase.a $(format_libs) $(OPENSSL_LIBS)
t_fuzz_settings_SOURCES = t/fuzz/settings.c $(fuzz_main)
t_fuzz_settings_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_settings_LDADD = $(unit_agent_libs)
t_fuzz_frame_SOURCES = t/fuzz/frame.c $(fuzz_main)
t_fuzz_frame_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_frame_LDADD = libformat.a libbase.a $(format_libs)
t_fuzz_search_SOURCES = t/fuzz/search.c $(fuzz_main)
t_fuzz_search_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_search_LDADD = $(runner_hub_LDADD)
t_fuzz_junit_SOURCES = t/fuzz/junit.c $(fuzz_main)
t_fuzz_junit_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
t_fuzz_junit_LDADD = libarchiver.a libtask.a libformat.a libbase.a $(EXPAT_LIBS) $(format_libs) $(OPENSSL_LIBS)
