# t/fault: programs that play one side so that the other can be broken.
# taskd lies beside runner-init, which it starts.
check_PROGRAMS += taskd
taskd_SOURCES = t/fault/taskd.c
taskd_LDADD = $(runnerd_LDADD)
check_PROGRAMS += t/strike
t_strike_SOURCES = t/fault/strike.c t/fault/points.c t/fault/points.h
