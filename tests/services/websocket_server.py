"""A WebSocket server that sends back what it hears: PORT, PORT with TLS, and the files of its key and certificate."""

import asyncio
import http
import ssl
import sys

import websockets


async def talk(socket, path):
    if path == "/closing":
        await socket.close(1013, "try again later")
        return
    await socket.send("welcome " + socket.request_headers.get("X-Token", "stranger"))
    async for message in socket:
        await socket.send("echo " + message)


async def process(path, headers):
    if path == "/down":
        return http.HTTPStatus.SERVICE_UNAVAILABLE, [], b""


async def main():
    port, secured, key, certificate = sys.argv[1:]
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    settings = dict(subprotocols=["chat"], process_request=process)
    async with websockets.serve(talk, "127.0.0.1", int(port), **settings):
        async with websockets.serve(talk, "127.0.0.1", int(secured), ssl=tls, **settings):
            await asyncio.sleep(600)


asyncio.run(main())
