# src/task: what travels between hub and agent; may include base, format
noinst_LIBRARIES += libtask.a
libtask_a_SOURCES = \
	src/task/event.c src/task/event.h \
	src/task/names.c src/task/names.h \
	src/task/output_record.c src/task/output_record.h \
	src/task/task_doc.c src/task/task_doc.h \
	src/task/task_read.c src/task/task_read.h \
	src/task/task_step.c
