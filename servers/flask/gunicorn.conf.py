"""Gunicorn's settings for the service; the command line goes before them: gunicorn --workers 24. See README.md."""

import json
import math
import os

import gunicorn

wsgi_app = "app:app"
# The folder with app.py; paths in the environment stay those of the folder that Gunicorn was started in.
pythonpath = os.path.dirname(os.path.abspath(__file__))
bind = os.environ.get("AIBENCH_BIND", "127.0.0.1:8000")

# One for each core that this process may use. A worker is one process with a copy of the models.
workers = int(os.environ.get("WEB_CONCURRENCY") or len(os.sched_getaffinity(0)))
# Keeps connections open, unlike sync.
worker_class = "gthread"
threads = 1
# Seconds of silence after which a worker closes a connection.
keepalive = 75
# A worker reads its models before it answers, and is taken for hung when that takes longer: seconds.
timeout = 300
# Each worker loads for itself: threads of ONNX Runtime and TensorFlow do not survive a fork.
preload_app = False
# Its socket is one for all of a user's Gunicorns.
control_socket_disable = True


def on_starting(server):
    """Has gthread workers share the clients' connections evenly, unless --worker-connections says otherwise."""
    cfg = server.cfg
    if cfg.worker_connections != cfg.settings["worker_connections"].default:
        return
    clients = int(os.environ.get("AIBENCH_CLIENTS") or cfg.workers * cfg.threads)
    # A worker keeps open as many as its share; those that it accepts beyond are answered and closed, and come to
    # another worker with the next request.
    cfg.set("worker_connections", math.ceil(clients / cfg.workers) + cfg.threads)


def post_fork(server, worker):
    cfg = server.cfg
    served_by = {
        "gunicorn": gunicorn.__version__,
        "workers": server.num_workers,
        "workerClass": cfg.worker_class_str,
        "threads": cfg.threads,
        "workerConnections": cfg.worker_connections,
    }
    os.environ["AIBENCH_SERVED_BY"] = json.dumps(served_by)
