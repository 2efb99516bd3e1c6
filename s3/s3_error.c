/* SPDX-License-Identifier: Apache-2.0 */
#include "s3/s3_error.h"

#include <stdio.h>

#include "base/check.h"
#include "base/xml_writer.h"

#include "base/banned.h"

/* SPEC: S3 API / error responses. */
static const struct s3_error_code CODES[] = {
    {"AccessDenied", 403},
    {"AccessForbidden", 403},
    {"AuthorizationHeaderMalformed", 400},
    {"AuthorizationQueryParametersError", 400},
    {"BadDigest", 400},
    {"BadRequest", 400},
    {"BucketAlreadyExists", 409},
    {"BucketAlreadyOwnedByYou", 409},
    {"BucketNotEmpty", 409},
    {"ConditionalRequestConflict", 409},
    {"EntityTooLarge", 400},
    {"EntityTooSmall", 400},
    {"ExpiredToken", 400},
    {"IllegalLocationConstraintException", 400},
    {"IncompleteBody", 400},
    {"InternalError", 500},
    {"InvalidAccessKeyId", 403},
    {"InvalidArgument", 400},
    {"InvalidBucketName", 400},
    {"InvalidChunkSizeError", 403},
    {"InvalidDigest", 400},
    {"InvalidLocationConstraint", 400},
    {"InvalidPart", 400},
    {"InvalidPartNumber", 416},
    {"InvalidPartOrder", 400},
    {"InvalidRange", 416},
    {"InvalidRequest", 400},
    {"InvalidSecurity", 403},
    {"InvalidStorageClass", 400},
    {"InvalidToken", 400},
    {"InvalidURI", 400},
    {"KeyTooLongError", 400},
    {"MalformedTrailerError", 400},
    {"MalformedXML", 400},
    {"MaxMessageLengthExceeded", 400},
    {"MetadataTooLarge", 400},
    {"MethodNotAllowed", 405},
    {"MissingContentLength", 411},
    {"MissingRequestBodyError", 400},
    {"MissingSecurityHeader", 400},
    {"NoSuchBucket", 404},
    {"NoSuchBucketPolicy", 404},
    {"NoSuchCORSConfiguration", 404},
    {"NoSuchConfiguration", 404},
    {"NoSuchKey", 404},
    {"NoSuchLifecycleConfiguration", 404},
    {"NoSuchPublicAccessBlockConfiguration", 404},
    {"NoSuchTagSet", 404},
    {"NoSuchUpload", 404},
    {"NoSuchVersion", 404},
    {"NoSuchWebsiteConfiguration", 404},
    {"NotImplemented", 501},
    {"NotModified", 304},
    {"ObjectLockConfigurationNotFoundError", 404},
    {"OperationAborted", 409},
    {"PreconditionFailed", 412},
    {"ReplicationConfigurationNotFoundError", 404},
    {"RequestHeaderSectionTooLarge", 400},
    {"RequestTimeTooSkewed", 403},
    {"RequestTimeout", 400},
    {"ServerSideEncryptionConfigurationNotFoundError", 404},
    {"ServiceUnavailable", 503},
    {"SignatureDoesNotMatch", 403},
    {"SlowDown", 503},
    {"StorageFull", 507},
    {"TooManyBuckets", 400},
    {"XAmzContentSHA256Mismatch", 400},
};

/* What a status means where the error names no code of its own. */
static const char *
code_of_status(enum status st)
{
    switch (st) {
    case ST_INVALID:
        return "InvalidRequest";
    case ST_NOT_IMPLEMENTED:
        return "NotImplemented";
    case ST_UNAUTHENTICATED:
    case ST_DENIED:
        return "AccessDenied";
    case ST_NO_SUCH_BUCKET:
        return "NoSuchBucket";
    case ST_NO_SUCH_KEY:
    case ST_NOT_FOUND:
        return "NoSuchKey";
    case ST_NO_SUCH_VERSION:
        return "NoSuchVersion";
    case ST_NO_SUCH_UPLOAD:
        return "NoSuchUpload";
    case ST_EXISTS:
        return "BucketAlreadyExists";
    case ST_BUCKET_NOT_EMPTY:
        return "BucketNotEmpty";
    case ST_PRECONDITION:
        return "PreconditionFailed";
    case ST_NOT_MODIFIED:
        return "NotModified";
    case ST_CONFLICT:
        return "ConditionalRequestConflict";
    case ST_INVALID_RANGE:
        return "InvalidRange";
    case ST_INVALID_PART:
        return "InvalidPart";
    case ST_INVALID_PART_ORDER:
        return "InvalidPartOrder";
    case ST_PART_TOO_SMALL:
    case ST_TOO_SMALL:
        return "EntityTooSmall";
    case ST_TOO_LARGE:
        return "EntityTooLarge";
    case ST_INCOMPLETE:
    case ST_CLOSED:
        return "IncompleteBody";
    case ST_DIGEST_MISMATCH:
        return "BadDigest";
    case ST_SIGNATURE_MISMATCH:
        return "SignatureDoesNotMatch";
    case ST_NO_SPACE:
        return "StorageFull";
    case ST_BUSY:
        return "SlowDown";
    case ST_UNAVAILABLE:
    case ST_MOVED:
    case ST_CANCELLED:
        return "ServiceUnavailable";
    case ST_TIMEOUT:
        return "RequestTimeout";
    default:
        return "InternalError";
    }
}

static const struct s3_error_code *
find_code(const char *code)
{
    for (size_t i = 0; i < ARRAY_COUNT(CODES); i++) {
        if (strcmp(CODES[i].code, code) == 0) {
            return &CODES[i];
        }
    }
    return NULL;
}

struct s3_error_code
s3_error_code_of(const struct error *err)
{
    const char *code = err->dialect_code != NULL ? err->dialect_code : code_of_status(err->code);
    const struct s3_error_code *found;

    if (strcmp(code, S3_MALFORMED_CHECKSUM) == 0) {
        code = "InvalidRequest";
    }
    found = find_code(code);

    return found != NULL ? *found : (struct s3_error_code){code, 400};
}

bool
s3_error_is_ours(const struct s3_error_code *code)
{
    return code->http_status == 500;
}

struct bytes
s3_error_whole_utf8(struct bytes text)
{
    for (size_t cut = 0; cut < 4 && cut <= text.size; cut++) {
        struct bytes shorter = bytes_of(text.data, text.size - cut);

        if (bytes_is_utf8(shorter)) {
            return shorter;
        }
    }
    return BYTES_LITERAL("The request is refused.");
}

static void
optional_element(struct buffer *out, const char *name, struct bytes text)
{
    if (text.size != 0) {
        xml_element(out, name, text);
    }
}

struct bytes
s3_error_render(const struct s3_error_document *document, struct arena *arena)
{
    struct buffer out = BUFFER_INIT;
    struct bytes rendered;

    buffer_reserve(&out, 1024);
    xml_begin_document(&out, "Error", NULL);
    xml_element_string(&out, "Code", document->code);
    xml_element(&out, "Message", s3_error_whole_utf8(document->message));
    optional_element(&out, "Condition", document->condition);
    optional_element(&out, "Region", document->region);
    optional_element(&out, "BucketName", document->bucket);
    optional_element(&out, "Key", document->key);
    xml_element(&out, "Resource", document->resource);
    xml_element(&out, "RequestId", document->request_id);
    xml_element(&out, "HostId", document->host_id);
    xml_close(&out, "Error");
    rendered = arena_copy(arena, buffer_bytes(&out));
    buffer_release(&out);
    return rendered;
}

static struct metric error_metrics[ARRAY_COUNT(CODES)];
static char error_labels[ARRAY_COUNT(CODES)][64];

void
s3_error_register_metrics(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(CODES); i++) {
        snprintf(error_labels[i], sizeof(error_labels[i]), "code=\"%s\"", CODES[i].code);
        error_metrics[i].kind = METRIC_COUNTER;
        error_metrics[i].name = "lode_s3_errors_total";
        error_metrics[i].help = "S3 requests that were refused or failed, by error code.";
        error_metrics[i].labels = error_labels[i];
        metric_register(&error_metrics[i]);
    }
}

void
s3_error_count(const char *code)
{
    const struct s3_error_code *found = find_code(code);

    if (found != NULL) {
        metric_add(&error_metrics[found - CODES], 1);
    }
}
