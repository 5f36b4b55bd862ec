# src/compile: config.yml -> checked tree -> workflows of literal jobs
EXTRA_DIST += src/compile/compile.h src/compile/plan.h src/compile/diag.h
