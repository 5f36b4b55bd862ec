compile_libs = libcompile.a libformat.a libbase.a $(PCRE2_LIBS) $(format_libs)
compile_cppflags = $(unit_cppflags) -I$(srcdir)/t/unit/compile -DTOP_SRCDIR='"$(abs_top_srcdir)"'

unit_tests += t/unit/compile/config_test
t_unit_compile_config_test_SOURCES = t/unit/compile/config_test.c t/unit/compile/dump.c \
	t/unit/compile/dump.h t/unit/compile/variant.c t/unit/compile/variant.h
t_unit_compile_config_test_CPPFLAGS = $(compile_cppflags)
t_unit_compile_config_test_LDADD = $(compile_libs) $(unit_ldadd)

unit_tests += t/unit/compile/expr_test
t_unit_compile_expr_test_SOURCES = t/unit/compile/expr_test.c t/unit/compile/fixture.c \
	t/unit/compile/fixture.h
t_unit_compile_expr_test_CPPFLAGS = $(compile_cppflags)
t_unit_compile_expr_test_LDADD = $(compile_libs) $(unit_ldadd)

unit_tests += t/unit/compile/diag_test
t_unit_compile_diag_test_SOURCES = t/unit/compile/diag_test.c
t_unit_compile_diag_test_CPPFLAGS = $(compile_cppflags)
t_unit_compile_diag_test_LDADD = $(compile_libs) $(unit_ldadd)

unit_tests += t/unit/compile/orb_ref_test
t_unit_compile_orb_ref_test_SOURCES = t/unit/compile/orb_ref_test.c
t_unit_compile_orb_ref_test_CPPFLAGS = $(compile_cppflags)
t_unit_compile_orb_ref_test_LDADD = $(compile_libs) $(unit_ldadd)

unit_tests += t/unit/compile/refusal_test
hostile_sources = t/unit/compile/hostile_yaml.c t/unit/compile/hostile_jobs.c \
	t/unit/compile/hostile_steps.c t/unit/compile/hostile_orbs.c t/unit/compile/hostile.h
t_unit_compile_refusal_test_SOURCES = t/unit/compile/refusal_test.c $(hostile_sources)
t_unit_compile_refusal_test_CPPFLAGS = $(compile_cppflags)
t_unit_compile_refusal_test_LDFLAGS = -Wl,--wrap=yaml_parser_parse -Wl,--wrap=comp_work \
	-Wl,--wrap=diags_wants
t_unit_compile_refusal_test_LDADD = $(compile_libs) $(unit_ldadd)

unit_tests += t/unit/compile/limit_test
t_unit_compile_limit_test_SOURCES = t/unit/compile/limit_test.c
t_unit_compile_limit_test_CPPFLAGS = $(compile_cppflags)
t_unit_compile_limit_test_LDADD = $(compile_libs) $(unit_ldadd)

unit_tests += t/unit/compile/explain_test
t_unit_compile_explain_test_SOURCES = t/unit/compile/explain_test.c
t_unit_compile_explain_test_CPPFLAGS = $(compile_cppflags)
t_unit_compile_explain_test_LDADD = $(compile_libs) $(unit_ldadd)

unit_tests += t/unit/compile/select_test
t_unit_compile_select_test_SOURCES = t/unit/compile/select_test.c
t_unit_compile_select_test_CPPFLAGS = $(compile_cppflags)
t_unit_compile_select_test_LDADD = $(compile_libs) $(unit_ldadd)
