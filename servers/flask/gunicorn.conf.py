"""Gunicorn's settings for the service; the command line goes before them: gunicorn --workers 24. See README.md."""

import json
import os

import gunicorn

wsgi_app = "app:app"
# The folder with app.py; paths in the environment stay those of the folder that Gunicorn was started in.
pythonpath = os.path.dirname(os.path.abspath(__file__))
bind = os.environ.get("AIBENCH_BIND", "127.0.0.1:8000")

# One for each core that this process may use. A worker is one process with a copy of the models.
workers = int(os.environ.get("WEB_CONCURRENCY", len(os.sched_getaffinity(0))))
worker_class = "gthread"
threads = 1
# Connections stay open: seconds of silence after which a worker closes one.
keepalive = 75
# A worker reads its models before it answers, and is taken for hung when that takes longer: seconds.
timeout = 300
# Each worker loads for itself: threads of ONNX Runtime and TensorFlow do not survive a fork.
preload_app = False
# Its socket is one for all of a user's Gunicorns.
control_socket_disable = True


def post_fork(server, worker):
    served_by = {
        "gunicorn": gunicorn.__version__,
        "workers": server.num_workers,
        "workerClass": server.cfg.worker_class_str,
        "threads": server.cfg.threads,
    }
    os.environ["AIBENCH_SERVED_BY"] = json.dumps(served_by)
