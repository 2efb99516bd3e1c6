# SPDX-License-Identifier: Apache-2.0
"""Certificates for the nodes of a cluster on one machine: an authority and what it signs, made by the
openssl of the system.  For the playground and tests; who runs a cluster has an authority already."""

import datetime
import os
import subprocess

DAYS = 30


def openssl(*arguments, data=None):
    """Run it; an error is an exception with what it said."""
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


class Authority:
    """One authority in a folder of its own."""

    def __init__(self, folder, name="authority"):
        self.folder = folder
        self.certificate = os.path.join(folder, name + ".pem")
        self.key = os.path.join(folder, name + ".key")
        if os.path.exists(self.certificate):
            return
        os.makedirs(folder, mode=0o700, exist_ok=True)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.key, "-out", self.certificate, "-days", str(DAYS),
                "-subj", f"/CN=Lode {name}")

    def sign(self, name, alt_names, is_expired=False):
        """(certificate, key): files for a node that others call by one of alt_names, such as
        "IP:127.0.0.1,DNS:node".  An earlier pair of that name is replaced."""
        certificate = os.path.join(self.folder, name + ".pem")
        key = os.path.join(self.folder, name + ".key")
        request = openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                          "-nodes", "-keyout", key + ".new", "-subj", f"/CN={name}")
        extensions = os.path.join(self.folder, name + ".ext")
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={alt_names}\nextendedKeyUsage=serverAuth,clientAuth\n")
        if is_expired:
            self._sign_expired(request, extensions, certificate + ".new")
        else:
            openssl("x509", "-req", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                    "-days", str(DAYS), "-extfile", extensions, "-out", certificate + ".new",
                    data=request)
        os.replace(key + ".new", key)
        os.replace(certificate + ".new", certificate)
        return certificate, key

    def _sign_expired(self, request, extensions, out):
        """`openssl ca` alone lets the dates be chosen."""
        index = os.path.join(self.folder, "index")
        config = os.path.join(self.folder, "ca.conf")
        with open(index, "w", encoding="ascii"):
            pass
        with open(config, "w", encoding="ascii") as file:
            file.write(f"[ca]\ndefault_ca=own\n[own]\ndatabase={index}\nrand_serial=yes\n"
                       f"new_certs_dir={self.folder}\ndefault_md=sha256\npolicy=any\n"
                       "[any]\ncommonName=supplied\n")
        request_file = os.path.join(self.folder, "request.pem")
        with open(request_file, "w", encoding="ascii") as file:
            file.write(request)
        now = datetime.datetime.now(datetime.timezone.utc)
        days = [(now - datetime.timedelta(days=age)).strftime("%Y%m%d%H%M%SZ") for age in (2, 1)]
        openssl("ca", "-batch", "-notext", "-config", config, "-cert", self.certificate, "-keyfile",
                self.key, "-startdate", days[0], "-enddate", days[1], "-extfile", extensions,
                "-in", request_file, "-out", out)
