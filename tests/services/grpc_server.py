"""A gRPC server with grpc.health.v1: PORT, PORT with TLS, and the files of its key and certificate."""

import sys
import time
from concurrent import futures

import grpc

STATUS = {"": 1, "shop": 1, "down": 2}


def check(request, context):
    # The only field is the service's name, of less than 128 octets.
    name = request[2:].decode()
    if name not in STATUS:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return bytes([8, STATUS[name]])


port, secured, key, certificate = sys.argv[1:]
server = grpc.server(futures.ThreadPoolExecutor(2))
method = grpc.unary_unary_rpc_method_handler(check)
server.add_generic_rpc_handlers(
    (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": method}),)
)
server.add_insecure_port("127.0.0.1:" + port)
with open(key, "rb") as one, open(certificate, "rb") as other:
    pair = (one.read(), other.read())
server.add_secure_port("127.0.0.1:" + secured, grpc.ssl_server_credentials([pair]))
server.start()
time.sleep(600)
