"""How gunicorn serves the API: `gunicorn -c python:api.server "api.app:create_app()"`."""

import sys

from api.connections import raise_limit
from dcm import settings as settings_module
from dcm import token_file
from dcm.domain.errors import DcmError

try:
    _settings = settings_module.load()
    token_file.digest(_settings)
except DcmError as error:
    sys.exit(f"dcm: {error}")

raise_limit()

bind = [f"{_settings.host}:{_settings.port}", f"{_settings.host}:{_settings.dashboard_port}"]
workers = _settings.api_workers
worker_class = "api.connections.Worker"
asgi_loop = "uvloop"
asgi_lifespan = "on"
keepalive = 3600
graceful_timeout = 2
timeout = 30
backlog = 1024
accesslog = None
loglevel = "warning"
umask = 0o077
proc_name = "dcm api"
worker_tmp_dir = "/dev/shm"  # nosec B108 # noqa: S108 - the workers' heartbeat must not wait for a disk
control_socket_disable = True
