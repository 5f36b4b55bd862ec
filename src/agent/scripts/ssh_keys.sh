# ssh_keys.sh - the add_ssh_keys step: behind git.sh.
#
# SPDX-License-Identifier: Apache-2.0
if [ "${RUNNER_SSH_KEYS:-0}" = 0 ]; then
	echo "add_ssh_keys: the project has no key that was asked for: runnerctl ssh-key add" >&2
	exit 1
fi
ssh_setup "$HOME/.ssh"
i=0
while [ "$i" -lt "$RUNNER_SSH_KEYS" ]; do
	eval "echo \"Added key \$RUNNER_SSH_FINGERPRINT_$i for \${RUNNER_SSH_HOST_$i:-all hosts}\""
	i=$((i + 1))
done
echo "git uses them; so does: ssh -F ~/.ssh/runner_config"
