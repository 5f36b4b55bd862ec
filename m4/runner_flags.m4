# RUNNER_ADD_CFLAGS(VARIABLE, FLAGS): append each flag that the compiler takes.
AC_DEFUN([RUNNER_ADD_CFLAGS], [
	for flag in $2; do
		AC_MSG_CHECKING([whether $CC takes $flag])
		runner_saved_cflags=$CFLAGS
		CFLAGS="$CFLAGS -Werror $flag"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([])],
			[$1="$$1 $flag"; AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])])
		CFLAGS=$runner_saved_cflags
	done
	AC_SUBST([$1])
])
