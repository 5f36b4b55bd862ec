# include/runner: the contracts; installed
contract_HEADERS += \
	include/runner/blob.h \
	include/runner/carrier.h \
	include/runner/control.h \
	include/runner/exit.h \
	include/runner/launcher.h \
	include/runner/protocol.h \
	include/runner/session.h \
	include/runner/shelter.h \
	include/runner/state_dir.h \
	include/runner/states.h \
	include/runner/supervisor.h \
	include/runner/work_dir.h
