# SPDX-License-Identifier: Apache-2.0
"""The steps of a multipart upload, for the tests that look at one of them."""

MIB = 1024 * 1024
PART_BYTES = 5 * MIB  # the least size of a part that is not the last


def start(s3, bucket, key, **extra):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **extra)["UploadId"]


def send_parts(s3, bucket, key, upload, parts, with_checksums=False, **extra):
    """Send {number: bytes} in the given order; returns what complete() wants."""
    done = []
    for number, body in parts.items():
        answer = s3.upload_part(
            Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body, **extra
        )
        part = {"PartNumber": number, "ETag": answer["ETag"]}
        if with_checksums:
            part.update({name: answer[name] for name in answer if name.startswith("Checksum")})
        done.append(part)
    return done


def complete(s3, bucket, key, upload, done, **extra):
    return s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": done}, **extra
    )


def upload_object(s3, bucket, key, bodies, **extra):
    """The whole upload of a list of parts."""
    upload = start(s3, bucket, key, **extra)
    done = send_parts(s3, bucket, key, upload, dict(enumerate(bodies, 1)))
    return complete(s3, bucket, key, upload, done)


def complete_document(parts):
    """The body of CompleteMultipartUpload for (number, etag) pairs, as they are."""
    entries = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        for number, etag in parts
    )
    return f"<CompleteMultipartUpload>{entries}</CompleteMultipartUpload>".encode()
