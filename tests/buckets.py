"""Stores as processes of their own: one that speaks S3, which wants credentials and checks them, and Google's."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from running import answers, free_port

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


class Store:
    """A bucket named "models", and the environment that has access to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        anybody = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
        self.s3 = boto3.client("s3", endpoint_url=url, **anybody)
        self.s3.create_bucket(Bucket="models")
        iam = boto3.client("iam", endpoint_url=url, **anybody)
        iam.create_user(UserName="server")
        iam.put_user_policy(UserName="server", PolicyName="read", PolicyDocument=json.dumps(POLICY))
        key = iam.create_access_key(UserName="server")["AccessKey"]
        self.access = {
            "AWS_ENDPOINT_URL": url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
        # From now on nothing is answered without a signature that fits.
        headers = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset-auth", b"0", headers)).close()
        self.s3 = boto3.client(
            "s3", endpoint_url=url, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
        )

    def upload(self, folder: Path, prefix: str) -> None:
        for path in folder.iterdir():
            self.s3.upload_file(str(path), "models", f"{prefix}/{path.name}")


@contextmanager
def running_store() -> Iterator[Store]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        assert answers(f"{url}/moto-api/", process), "moto did not start"
        yield Store(url)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def running_google_store() -> Iterator[tuple[str, str]]:
    """A store with a bucket named "models": its address for HTTP, and the end of addresses in it."""
    port = free_port()
    program = Path(sys.executable).with_name("gcp-storage-emulator")
    options = ["--host=127.0.0.1", f"--port={port}", "--in-memory", "--default-bucket=models"]
    process = subprocess.Popen([program, "start", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        assert answers(f"{url}/storage/v1/b/models", process), "the emulator did not start"
        yield url, f"?scheme=http&endpoint_override=127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
