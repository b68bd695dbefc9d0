"""Who calls, and about which cases, when schemathesis tries the API (see tests/all/contract.rs).

ST_URL: the service; ST_SIGN_IN: the body of a sign-in, JSON, or nothing for the anonymous; ST_CASES: reference numbers that
exist, JSON.
"""
import json
import os
import random

import requests
import schemathesis

URL = os.environ["ST_URL"]
SIGN_IN = json.loads(os.environ.get("ST_SIGN_IN") or "null")
CASES = json.loads(os.environ.get("ST_CASES") or "[]")
CHOICE = random.Random(1)

if SIGN_IN:

    # Signed in anew again and again: a session that a call has ended is soon replaced.
    @schemathesis.auth(refresh_interval=10)
    class Staff:
        def get(self, case, context):
            return requests.post(f"{URL}/api/v1/auth/token", json=SIGN_IN, timeout=60).json()["access_token"]

        def set(self, case, data, context):
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Half of the well-formed calls are about a case that exists: a number that is made up leads no further than 404."""
    meta = getattr(case, "meta", None)
    well_formed = meta is not None and meta.generation.mode.is_positive
    if well_formed and CASES and "reference" in (case.path_parameters or {}) and CHOICE.random() < 0.5:
        case.path_parameters["reference"] = CHOICE.choice(CASES)
