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
# Connections that clients keep open, all together; without it every connection is closed after one answer.
clients = int(os.environ.get("AIBENCH_CLIENTS") or 0)
worker_class = "gthread" if clients > 0 else "sync"
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
    """Has gthread workers share the clients' connections evenly: left alone, one of them may take all."""
    cfg = server.cfg
    if clients > 0:
        # A worker that has as many accepts no more. One for each thread is to spare, for questions beside the load.
        cfg.set("worker_connections", math.ceil(clients / cfg.workers) + cfg.threads)


def post_fork(server, worker):
    cfg = server.cfg
    served_by = {
        "gunicorn": gunicorn.__version__,
        "workers": server.num_workers,
        "workerClass": cfg.worker_class_str,
        "threads": cfg.threads,
        **({"clients": clients} if clients > 0 else {}),
    }
    os.environ["AIBENCH_SERVED_BY"] = json.dumps(served_by)
