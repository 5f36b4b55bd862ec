# src/compile: config.yml -> checked tree -> workflows of literal jobs
noinst_LIBRARIES += libcompile.a
libcompile_a_SOURCES = \
	src/compile/built_in.c src/compile/built_in.h \
	src/compile/command.c src/compile/command.h \
	src/compile/compilation.c src/compile/compilation.h \
	src/compile/compile.c src/compile/compile.h \
	src/compile/cron.c src/compile/cron.h \
	src/compile/cycle.c src/compile/cycle.h \
	src/compile/diag.c src/compile/diag.h src/compile/diag_json.c src/compile/diags.h \
	src/compile/entry.c src/compile/entry.h \
	src/compile/environment.c src/compile/environment.h \
	src/compile/executor.c src/compile/executor.h \
	src/compile/explain.c src/compile/explain_examples.c \
	src/compile/expr.c src/compile/expr.h \
	src/compile/feature.c \
	src/compile/filter.c src/compile/filter.h \
	src/compile/group.c src/compile/group.h \
	src/compile/invocation.c src/compile/invocation.h \
	src/compile/job.c src/compile/job.h \
	src/compile/logic.c src/compile/logic.h \
	src/compile/matrix.c src/compile/matrix.h \
	src/compile/names.c src/compile/names.h \
	src/compile/naming.c src/compile/naming.h \
	src/compile/orb.c src/compile/orb.h src/compile/orb_check.c \
	src/compile/orb_ref.c src/compile/orb_ref.h \
	src/compile/params.c src/compile/params.h \
	src/compile/pipeline.c src/compile/pipeline.h \
	src/compile/plan.c src/compile/plan.h \
	src/compile/plan_process.c \
	src/compile/plan_string.c src/compile/plan_string.h \
	src/compile/plan_task.c src/compile/plan_task.h \
	src/compile/plan_text.c src/compile/plan_text.h \
	src/compile/regex.c src/compile/regex.h \
	src/compile/rehearsal.c src/compile/rehearsal.h \
	src/compile/requires.c src/compile/requires.h \
	src/compile/schedule.c src/compile/schedule.h \
	src/compile/scope.c src/compile/scope.h \
	src/compile/select.c src/compile/select.h \
	src/compile/source.c src/compile/source.h \
	src/compile/space.c src/compile/space.h \
	src/compile/step.c src/compile/step.h \
	src/compile/step_run.c src/compile/step_run.h \
	src/compile/substitute.c src/compile/substitute.h \
	src/compile/tree.c src/compile/tree.h \
	src/compile/value.c src/compile/value.h \
	src/compile/workflow.c src/compile/workflow.h
libcompile_a_CPPFLAGS = $(AM_CPPFLAGS) $(PCRE2_CFLAGS)
