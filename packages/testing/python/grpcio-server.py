"""A gRPC server on gRPC's C core, for packages/grpc to be tested with.

    grpcio-server.py [--port N] [--certificate FILE --key FILE] [--max-concurrent-streams N]

Its messages are plain bytes. Prints its address once it listens. Methods of /test.Service/:
Echo answers the request, Give as many bytes as the request says, Fail with the status and text
of the request ("5 not there"), FailLate after the answer has begun, Silent only when the call
is cancelled.
"""

import argparse
from concurrent import futures

import grpc

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--max-concurrent-streams", type=int)
args = parser.parse_args()

codes = {code.value[0]: code for code in grpc.StatusCode}


def echo(request, context):
    context.send_initial_metadata((("server", "a-server/1"),))
    return request


def give(request, context):
    return (b"give" * (int(request) // 4 + 1))[: int(request)]


def fail(request, context):
    code, details = request.decode().split(" ", 1)
    context.abort(codes[int(code)], details)


def fail_late(request, context):
    context.send_initial_metadata(())
    context.abort(grpc.StatusCode.INTERNAL, "late")


def silent(request, context):
    gone = futures.Future()
    if not context.add_callback(lambda: gone.set_result(None)):
        return b""
    gone.result()
    print("cancelled", flush=True)
    return b""


methods = {"Echo": echo, "Give": give, "Fail": fail, "FailLate": fail_late, "Silent": silent}
options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)]
if args.max_concurrent_streams is not None:
    options.append(("grpc.max_concurrent_streams", args.max_concurrent_streams))
server = grpc.server(futures.ThreadPoolExecutor(16), options=options)
handlers = {name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()}
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Service", handlers),))
address = f"127.0.0.1:{args.port}"
if args.certificate is None:
    port = server.add_insecure_port(address)
else:
    with open(args.key, "rb") as key, open(args.certificate, "rb") as certificate:
        credentials = grpc.ssl_server_credentials([(key.read(), certificate.read())])
    port = server.add_secure_port(address, credentials)
server.start()
print(f"127.0.0.1:{port}", flush=True)
server.wait_for_termination()
