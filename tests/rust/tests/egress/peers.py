"""HTTPS servers with good and bad certificates, made here with openssl. Prints `name port` lines, then `ready`.

python3 peers.py FOLDER: certificates go there, ca.pem first. Ends when its input does.
"""

import http.server
import pathlib
import ssl
import subprocess
import sys
import threading
import time

folder = pathlib.Path(sys.argv[1])


def openssl(*words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def authority(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")


def leaf(name, subject_alternative, days="2", by="ca"):
    (folder / f"{name}.ext").write_text(f"subjectAltName={subject_alternative}\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
            f"{name}.key", "-out", f"{name}.csr")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial",
            "-days", days, "-extfile", f"{name}.ext", "-out", f"{name}.pem")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/redirect":
            self.answer(302, b"elsewhere", Location=f"http://127.0.0.1:{self.server.plain}/landed")
        elif self.path == "/slow":
            time.sleep(20)
        elif self.path == "/drip":  # a byte now and then: every single read is in time
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(200):
                self.wfile.write(b"x")
                time.sleep(0.1)
        elif self.path == "/huge":  # without a length, so that only counting helps
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            for _ in range(64):
                self.wfile.write(b"x" * 65536)
        elif self.path == "/wide":
            self.answer(200, b"", **{f"X-{n}": "x" * 1000 for n in range(90)})
        elif self.path == "/missing":
            self.answer(404, b"not here")
        else:
            shown = "".join(f"{name.lower()}: {value}\n" for name, value in self.headers.items())
            self.answer(200, f"{self.command} {self.path}\n{shown}\n".encode())
        self.server.seen.append(self.path)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        shown = "".join(f"{name.lower()}: {value}\n" for name, value in self.headers.items())
        self.answer(200, f"{self.command} {self.path}\n{shown}\n".encode() + body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):  # refused certificates and clients that give up are what is tested
        pass


def serve(name, certificate, plain):
    server = Server(("127.0.0.1", 0), Handler)
    server.plain, server.seen = plain, []
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(name, server.server_address[1], flush=True)
    return server.server_address[1]


authority("ca")
authority("stranger")
leaf("good", "IP:127.0.0.1")
leaf("other", "DNS:issuer.example,IP:127.0.0.2")
leaf("old", "IP:127.0.0.1", days="-1")
leaf("foreign", "IP:127.0.0.1", by="stranger")
plain = serve("plain", None, 0)
for name in ["good", "other", "old", "foreign"]:
    serve(name, name, plain)
print("ready", flush=True)
sys.stdin.read()
