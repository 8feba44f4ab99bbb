# What Claude Code's hooks run: hand the payload on standard input to the launcher that `make up` or `dcm install`
# left, which knows Python and port. Without one, post it with this copy's client to the default address, as http
# hooks do; SessionStart, which says launcher_only, is silent. Whatever happens the payload is read: Claude would
# show a broken pipe.
launcher="${DCM_HOME:-$HOME/.dcm}/launcher"
[ -x "$launcher" ] && exec "$launcher" hook
client="${CLAUDE_PLUGIN_ROOT-}/hooks/client.py"
[ -z "${launcher_only-}" ] && [ -r "$client" ] && command -v python3 >/dev/null &&
    exec python3 -I -S "$client" "${CONTEXT_MANAGER_URL:-http://127.0.0.1:3847}"
exec cat >/dev/null
