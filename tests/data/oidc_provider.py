"""A provider of sign-in (oidc-provider-mock, from PyPI: OpenID Connect by authlib) for the tests.

usage: oidc_provider.py PORT_FILE
Listens on a free port of 127.0.0.1, writes it into PORT_FILE, and ends with its standard input. Clients register themselves
at POST /oauth2/clients; PUT /users/SUB says which claims a person has; POST /oauth2/authorize with sub=SUB signs them in.

Beside what the package does, it holds clients to PKCE with S256 (RFC 7636), and misbehaves once as PUT /misbehave tells it:
{"claims": {...}} puts other claims into the next ID token, "header" other members into its head, "unsigned" leaves the
signature out, "stranger" signs it with another key, "renewed" with one that is published from then on, "status" answers the
next request for a token with that status.
"""
import base64
import hashlib
import json
import os
import sys
import threading

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import flask
import oidc_provider_mock
from joserfc import jwk, jwt
from oidc_provider_mock._storage import storage
from werkzeug.serving import make_server

app = oidc_provider_mock.app(require_client_registration=True, require_nonce=True)
app.debug = False
challenges = {}
misbehaviour = {}
asked = {"configuration": 0, "jwks": 0, "token": 0}
published = []


def unpadded(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@app.put("/misbehave")
def misbehave():
    misbehaviour.clear()
    misbehaviour.update(flask.request.json)
    return "", 204


@app.get("/asked")
def told():
    return flask.jsonify(asked)


@app.before_request
def before():
    path = flask.request.path
    for name, end in (("configuration", "openid-configuration"), ("jwks", "/jwks"), ("token", "/oauth2/token")):
        asked[name] += path.endswith(end)
    if path == "/oauth2/authorize":
        if flask.request.args.get("code_challenge_method") != "S256" or not flask.request.args.get("code_challenge"):
            return "PKCE is required", 400
    if path == "/oauth2/token":
        if status := misbehaviour.pop("status", None):
            return "misbehaving", status
        challenge = challenges.pop(flask.request.form.get("code"), None)
        digest = hashlib.sha256(flask.request.form.get("code_verifier", "").encode()).digest()
        if challenge != unpadded(digest):
            return flask.jsonify({"error": "invalid_grant"}), 400


@app.after_request
def after(response):
    path = flask.request.path
    if path == "/oauth2/authorize" and response.location and "code=" in response.location:
        code = response.location.split("code=")[1].split("&")[0]
        challenges[code] = flask.request.args["code_challenge"]
    if path == "/jwks" and published:
        keys = response.json["keys"] + [key.as_dict(private=False) for key in published]
        response.set_data(json.dumps({"keys": keys}))
    if path == "/oauth2/token" and response.status_code == 200:
        body = response.json
        body["id_token"] = changed(body["id_token"])
        response.set_data(json.dumps(body))
    return response


def changed(token):
    """The ID token, changed as it was told to be; signed by the provider's own key where nothing else was said."""
    if not misbehaviour and not published:
        return token

    own = jwk.import_key(storage.jwk.as_dict(is_private=True))
    decoded = jwt.decode(token, own)
    header = decoded.header | {"kid": own.kid} | misbehaviour.pop("header", {})
    claims = decoded.claims | misbehaviour.pop("claims", {})
    key = own
    if misbehaviour.pop("stranger", False):
        key = jwk.RSAKey.generate_key(2048)
    if misbehaviour.pop("renewed", False):
        kid = f"provider-{len(published) + 2}"
        key = jwk.ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})
        published.append(key)
        header = {"alg": "ES256", "kid": kid}
    if misbehaviour.pop("unsigned", False):
        head = unpadded(json.dumps({"alg": "none", "kid": own.kid}).encode())
        return f"{head}.{unpadded(json.dumps(claims).encode())}."
    return jwt.encode(header, claims, key)


server = make_server("127.0.0.1", 0, app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
with open(sys.argv[1] + ".part", "w", encoding="utf-8") as file:
    file.write(str(server.server_port))
os.rename(sys.argv[1] + ".part", sys.argv[1])
sys.stdin.read()
