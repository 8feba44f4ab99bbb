# What Claude Code's hooks run: hand the payload on standard input to the launcher that `make up` or
# `dcm install` left. Without one, read the payload and be silent: Claude would show a broken pipe.
launcher="${DCM_HOME:-$HOME/.dcm}/launcher"
[ -x "$launcher" ] && exec "$launcher" hook
exec cat >/dev/null
