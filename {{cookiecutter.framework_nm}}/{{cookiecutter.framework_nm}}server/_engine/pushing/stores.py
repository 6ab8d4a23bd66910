"""Stores of models: which versions a place in one has, and how a further one gets there, never over another.

Not here: images of models, which a registry has (images.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterable, Protocol, Set


class Refused(Exception):
    """What cannot be pushed; the message says what to do."""


class Store(Protocol):
    """A place for versions, each of which has a number."""

    def numbers(self) -> Set[int]:
        """The numbers that are taken. Raises what the store's library raises."""

    def push(self, name: str, files: Dict[str, Path]) -> bool:
        """Copy files, by their names, as the version `name`; False where somebody else has taken that meanwhile."""

    def address(self, name: str) -> str:
        """The address of a version, for KServe."""


class S3:
    """A folder of a bucket of S3, or of a store that speaks S3: AWS_ENDPOINT_URL and the other usual variables."""

    def __init__(self, address: str) -> None:
        import boto3

        self._address = address
        self._bucket, _, path = address[len("s3://") :].partition("/")
        self._prefix = f"{path}/" if path else ""
        self._client: Any = boto3.client("s3")

    def numbers(self) -> Set[int]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
        )
        return _numbers(found["Prefix"] for page in pages for found in page.get("CommonPrefixes", ()))

    def push(self, name: str, files: Dict[str, Path]) -> bool:
        from botocore.exceptions import ClientError

        first, *others = files
        try:
            # Whoever writes the first file has the number.
            self._client.put_object(
                Bucket=self._bucket, Key=self._key(name, first), Body=files[first].read_bytes(), IfNoneMatch="*"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise
        for other in others:
            self._client.upload_file(str(files[other]), self._bucket, self._key(name, other))
        return True

    def address(self, name: str) -> str:
        return f"{self._address}/{name}"

    def _key(self, name: str, file: str) -> str:
        return f"{self._prefix}{name}/{file}"


class GoogleStorage:
    """A folder of a bucket of Google Cloud Storage, with the application default credentials."""

    def __init__(self, address: str) -> None:
        from google.cloud import storage

        self._address = address
        bucket, _, path = address[len("gs://") :].partition("/")
        self._prefix = f"{path}/" if path else ""
        self._client: Any = storage.Client()
        self._bucket: Any = self._client.bucket(bucket)

    def numbers(self) -> Set[int]:
        found = self._client.list_blobs(self._bucket, prefix=self._prefix, delimiter="/")
        for _ in found:  # the folders are known once all pages are read
            pass
        return _numbers(found.prefixes)

    def push(self, name: str, files: Dict[str, Path]) -> bool:
        from google.api_core.exceptions import PreconditionFailed

        for at, (file, path) in enumerate(files.items()):
            blob = self._bucket.blob(f"{self._prefix}{name}/{file}")
            try:
                # Generation 0: only where there is none yet.
                blob.upload_from_filename(str(path), if_generation_match=0)
            except PreconditionFailed:
                if at:
                    raise
                return False
        return True

    def address(self, name: str) -> str:
        return f"{self._address}/{name}"


def _numbers(folders: Iterable[str]) -> Set[int]:
    names = (folder.rstrip("/").rpartition("/")[2] for folder in folders)
    return {int(name) for name in names if name.isdecimal()}
