# SPDX-License-Identifier: Apache-2.0
"""encoding-type=url in every listing, and what XML 1.0 does to keys without it."""

from urllib.parse import quote, unquote

import pytest
from expect import content
from listing import put_keys

# One key for each way to go wrong: percent and plus, XML's own characters, controls that XML 1.0
# cannot carry, white space at the ends, four-byte UTF-8.
KEYS = [
    "plain/a-b_c.d~e*f", "100%", "%41", "a+b", "a b", " lead", "trail ", "x&y<z>\"'", "tab\there",
    "line\nbreak", "cr\rhere", "bell\x07", "unit\x1f", "del\x7f", "é", "日本語", "\U0001f4a9",
    "nel\x85", "sep\u2028", "q?r#s", "semi;colon", "back\\slash", "star*(paren)!'", "{}|^`",
]  # fmt: skip
XML_SAFE = [key for key in KEYS if not any(ord(c) < 32 and c not in "\t\n\r" for c in key)]


def raw_texts(raw, path, query, tag):
    """The text of every such element, exactly as it is in the document."""
    response = raw.request("GET", path, query)
    assert response.status == 200, response
    return [element.text for element in response.xml().iter(tag)]


LISTINGS = [("", "Key"), ("list-type=2", "Key"), ("versions", "Key")]


# SPEC: S3 List* / encoding-type=url: keys are percent-encoded, so that every legal key can be read
@pytest.mark.parametrize("query,tag", LISTINGS, ids=["v1", "v2", "versions"])
def test_encoded_keys_decode_to_what_was_stored(raw, filled, query, tag):
    texts = raw_texts(raw, f"/{filled}", f"{query}&encoding-type=url".lstrip("&"), tag)

    decoded = [unquote(text.replace("+", " ")) for text in texts]
    assert decoded == sorted(KEYS, key=lambda key: key.encode())
    for text in texts:
        assert all(32 < ord(character) < 127 for character in text), text


# SPEC: S3 List* / encoding-type=url: a '+' in a key is %2B, so that both decoders agree on it
def test_encoded_plus_is_not_a_space(raw, filled):
    texts = raw_texts(raw, f"/{filled}", "encoding-type=url&prefix=a", "Key")

    assert [unquote(text.replace("+", " ")) for text in texts] == ["a b", "a+b"]
    assert "a%2Bb" in texts


# SPEC: S3 List* / without encoding-type, keys that XML can carry come back exactly
@pytest.mark.parametrize("query,tag", LISTINGS, ids=["v1", "v2", "versions"])
def test_plain_listing_of_keys_that_xml_can_carry(raw, s3, make_bucket, query, tag):
    name = make_bucket(s3)
    put_keys(s3, name, XML_SAFE)

    texts = raw_texts(raw, f"/{name}", query, tag)

    assert texts == sorted(XML_SAFE, key=lambda key: key.encode())


# SPEC: S3 List* / Prefix, Delimiter, Marker, StartAfter, CommonPrefixes are encoded too
def test_echoed_parameters_are_encoded(raw, s3, make_bucket):
    name = make_bucket(s3)
    put_keys(s3, name, ["p q/a+b/1", "p q/a+b/2", "p q/c"])
    prefix = quote("p q/", safe="")

    query = f"encoding-type=url&prefix={prefix}&delimiter=%2F&marker={prefix}&max-keys=1"
    first = raw.request("GET", f"/{name}", query).xml()
    query = f"list-type=2&encoding-type=url&prefix={prefix}&delimiter=%2F&start-after={prefix}"
    second = raw.request("GET", f"/{name}", query).xml()

    for root in (first, second):
        assert root.findtext("EncodingType") == "url"
        assert unquote(root.findtext("Prefix").replace("+", " ")) == "p q/"
        assert " " not in root.findtext("Prefix")
        common = root.find("CommonPrefixes").findtext("Prefix")
        assert "a%2Bb" in common and " " not in common
    assert " " not in first.findtext("Marker") and " " not in first.findtext("NextMarker")
    assert unquote(first.findtext("NextMarker").replace("+", " ")) == "p q/a+b/"
    assert " " not in second.findtext("StartAfter")


# SPEC: S3 ListMultipartUploads, ListParts / encoding-type=url
def test_upload_listing_is_encoded(raw, bucket):
    key = "u p+%/\x07"
    path = f"/{bucket}/" + quote(key, safe="")
    assert raw.request("POST", path, "uploads").status == 200

    (text,) = raw_texts(raw, f"/{bucket}", "uploads&encoding-type=url", "Key")
    (upload,) = raw_texts(raw, f"/{bucket}", "uploads&encoding-type=url", "UploadId")

    assert unquote(text.replace("+", " ")) == key
    assert raw.request("DELETE", path, f"uploadId={upload}").status == 204


# SPEC: S3 GetObject, ListObjects / boto3 asks for the encoding itself and shows the stored keys
def test_every_listed_key_can_be_read(s3, filled):
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=filled)["Contents"]]

    assert sorted(listed) == sorted(KEYS)
    for key in listed:
        assert content(s3, filled, key) == key.encode()


# SPEC: S3 DeleteObjects / keys in the request document may be character references
def test_multi_delete_takes_awkward_keys(s3, bucket):
    put_keys(s3, bucket, XML_SAFE)

    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in XML_SAFE]})

    assert sorted(entry["Key"] for entry in gone["Deleted"]) == sorted(XML_SAFE)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
