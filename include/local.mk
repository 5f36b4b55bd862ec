# include/runner: the contracts; installed
contract_HEADERS += \
	include/runner/control.h \
	include/runner/exit.h \
	include/runner/protocol.h \
	include/runner/state_dir.h \
	include/runner/states.h \
	include/runner/supervisor.h
