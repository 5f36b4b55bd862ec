# git.sh - what every git of a task and of a mirror needs: errors, keys, tokens.
#
# Keys come in RUNNER_SSH_KEY_n, a token in RUNNER_GIT_TOKEN: none is ever an argument or part
# of a URL. The rest of a script that begins with this one is behind it.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
export GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL=file:git:http:https:ssh
export GIT_CONFIG_COUNT=7
export GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
export GIT_CONFIG_KEY_1=gc.auto GIT_CONFIG_VALUE_1=0
export GIT_CONFIG_KEY_2=advice.detachedHead GIT_CONFIG_VALUE_2=false
export GIT_CONFIG_KEY_3=transfer.credentialsInUrl GIT_CONFIG_VALUE_3=die
export GIT_CONFIG_KEY_4=submodule.recurse GIT_CONFIG_VALUE_4=false
export GIT_CONFIG_KEY_5=http.lowSpeedLimit GIT_CONFIG_VALUE_5=1000
export GIT_CONFIG_KEY_6=http.lowSpeedTime GIT_CONFIG_VALUE_6=120
url=${RUNNER_CHECKOUT_URL-} revision=${RUNNER_CHECKOUT_REVISION-}
branch=${RUNNER_CHECKOUT_BRANCH-} tag=${RUNNER_CHECKOUT_TAG-}
case $url in
*://*@*) shown=$(printf '%s' "$url" | sed 's#://[^/@]*@#://#') ;;
*) shown=$url ;;
esac

# What the forge calls the branch; a pull request's head has a name of its own.
server_ref=
case $branch in
'') ;;
pull/*/*) server_ref=refs/$branch ;;
pull/[0-9]* | merge-requests/[0-9]*) server_ref=refs/$branch/head ;;
*) server_ref=refs/heads/$branch ;;
esac

say_no() { echo "checkout: $*" >&2; exit 1; }

check_names() {
	case $url in -*) say_no "a URL cannot begin with '-'" ;; esac
	case $revision in -*) say_no "a revision cannot begin with '-'" ;; esac
	case $branch in -*) say_no "a branch cannot begin with '-'" ;; esac
	case $tag in -*) say_no "a tag cannot begin with '-'" ;; esac
}

# Keys, the hosts they are for, and who those hosts are: into $1, for this git and the job's own.
ssh_setup() (
	umask 077
	mkdir -p "$1/runner_keys"
	if [ -r "$RUNNER_KNOWN_HOSTS_FILE" ]; then
		cat "$RUNNER_KNOWN_HOSTS_FILE" >"$1/runner_known_hosts"
	else
		printf '%s\n' "$RUNNER_KNOWN_HOSTS" >"$1/runner_known_hosts"
	fi
	i=0
	while [ "$i" -lt "${RUNNER_SSH_KEYS:-0}" ]; do
		eval "name=\$RUNNER_SSH_NAME_$i host=\$RUNNER_SSH_HOST_$i key=\$RUNNER_SSH_KEY_$i"
		printf '%s\n' "$key" >"$1/runner_keys/$name"
		printf 'Host %s\n\tIdentityFile "%s"\n\tIdentitiesOnly yes\n' "${host:-*}" \
			"$1/runner_keys/$name" >"$1/runner_keys/$name.conf"
		i=$((i + 1))
	done
	printf '%s\n' "Include \"$1/config\"" "Include \"$1/runner_keys/*.conf\"" 'Host *' \
		"	UserKnownHostsFile \"$1/known_hosts\" \"$1/runner_known_hosts\"" \
		'	StrictHostKeyChecking yes' '	BatchMode yes' '	ConnectTimeout 30' \
		'	ServerAliveInterval 30' '	ServerAliveCountMax 4' >"$1/runner_config"
	if [ ! -e "$HOME/.gitconfig" ]; then
		printf '[core]\n\tsshCommand = ssh -F \\"%s/runner_config\\"\n' "$1" >"$HOME/.gitconfig"
	elif ! git config --global --get core.sshCommand >/dev/null; then
		git config --global core.sshCommand "ssh -F \"$1/runner_config\""
	fi
)

# The token is for the repository's own host, and travels encrypted.
token_setup() {
	[ -n "${RUNNER_GIT_TOKEN-}" ] || return 0
	case $url in
	https://* | http://localhost[:/]* | http://127.0.0.1[:/]*) ;;
	*) return 0 ;;
	esac
	rest=${shown#*://}
	# shellcheck disable=SC2016 # git's shell reads it
	git config --global "credential.${shown%%://*}://${rest%%/*}.helper" \
		'!f() { if [ "$1" = get ]; then printf "username=%s\npassword=%s\n" "${RUNNER_GIT_USER:-x-access-token}" "${RUNNER_GIT_TOKEN-}"; fi; }; f'
}
